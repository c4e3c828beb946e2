"""Commands without a gateway: on the store and the file alone."""

import json
import re
import subprocess
import sys

import click
import pytest

from cli import main


def test_init_writes_a_file_that_is_right_and_never_overwrites(tmp_path, shop):
    shop.file.unlink()
    shop.run("init", "--legacy", "http://127.0.0.1:8000")
    written = shop.file.read_text()
    assert "right" in shop.run("check").stdout
    assert "not overwritten" in shop.run("init", "--legacy", "http://a:1", code=1).stderr
    assert shop.file.read_text() == written
    shop.run("init", "--legacy", "ftp://a", "--routes", "other.yaml", code=2)


def test_check_tells_every_problem_at_its_place(shop):
    shop.replaced(("default: legacy\n", "defualt: legacy\n"), (" 100}", " 90}"))
    lines = shop.run("check", code=1).stdout.splitlines()
    assert all(re.match(r"routes\.yaml:\d+:\d+: ", line) for line in lines[:-1])
    assert lines[-1].endswith("problems")
    answer = shop.json("check", code=1)
    assert {problem["file"] for problem in answer["problems"]} == {"routes.yaml"}
    assert "there is no" in shop.run("check", "nowhere.yaml", code=2).stderr


def test_a_life_without_a_gateway(shop):
    shop.run("status")
    assert "+ route reviews: added" in shop.run("plan").stdout
    shop.run("apply", "--reason", "first", "--author", "ada")
    assert "says the same" in shop.run("plan").stdout

    said = shop.run("canary", "reviews", "12.5", "--author", "grace", "--reason", "few").stdout
    assert "Acts on group reviews" in said
    expected = shop.text.replace("version: 1", "version: 2")
    expected = expected.replace("{reviews: 0, legacy: 100}", "{reviews: 12.5, legacy: 87.5}")
    assert shop.file.read_text() == expected

    shop.run("cutover", "reviews")
    shop.run("rollback", "reviews")
    assert "{reviews: 0, legacy: 100}   # canary" in shop.file.read_text()
    shop.run("undo", "--to", "2")
    assert shop.file.read_text() == expected.replace("version: 2", "version: 5")

    versions = shop.json("history")
    assert [each["source"] for each in versions] == [
        "undo",
        "rollback",
        "cutover",
        "canary",
        "apply",
    ]
    assert versions[3]["author"] == "grace"
    assert "12.5 %" in shop.run("diff", "1", "2").stdout
    assert shop.run("diff", "4").stdout == shop.run("diff", "4", "live").stdout
    assert shop.run("diff", "4").stdout == shop.run("diff", "4", "5").stdout
    assert shop.json("status")["live"]["number"] == 5
    assert "route reviews" in shop.run("explain", "GET", "/reviews/5", "-H", "A: b").stdout
    assert "nothing to roll back" not in shop.run("history").stdout


def test_a_dry_run_touches_neither_store_nor_file(shop):
    shop.run("apply")
    shop.run("canary", "reviews", "5", "--dry-run")
    assert shop.file.read_text() == shop.text
    assert shop.json("status")["live"]["number"] == 1


def test_two_people_never_overwrite_each_other_silently(shop, tmp_path):
    shop.run("apply", "--author", "ada")
    shop.replaced(("# gunicorn", "# gthread"), ("/feed.xml", "/feed"))
    mine = shop.file.read_text()
    shop.file.rename(tmp_path / "mine.yaml")
    shop.run("canary", "reviews", "25", "--author", "grace", "--reason", "few")
    store = ["--store", f"sqlite:///{tmp_path}/.strangler/store.sqlite3"]

    (tmp_path / "mine.yaml").rename(shop.file)
    refused = shop.run("apply", *store, code=3).stderr
    assert "version 2 is live" in refused
    assert "grace" in refused
    shop.replaced(("version: 1", "version: 3"))
    refused = shop.run("apply", *store, code=3).stderr
    assert "split reviews 25 %, legacy 75 % -> reviews 0 %" in refused
    assert "take back what was changed live" in shop.run("plan", *store, code=3).stdout

    shop.run("rebase", *store)
    expected = mine.replace("version: 1", "version: 3")
    assert shop.file.read_text() == expected.replace("0, legacy: 100", "25, legacy: 75")
    shop.run("apply", *store)
    assert shop.json("status", *store)["live"]["number"] == 3


def test_asking_twice_is_no_failure(shop):
    shop.run("apply")
    shop.replaced(("/feed.xml", "/feed"))
    text = shop.file.read_text()
    for words in (("canary", "reviews", "0"), ("rollback", "reviews")):
        said = shop.run(*words).stdout
        assert "already at reviews 0 %, legacy 100 %" in " ".join(said.split())
        assert "edits" not in said
    assert shop.file.read_text() == text
    assert len(shop.json("history")) == 1


def test_a_plan_ends_as_applying_would(shop):
    shop.run("plan")
    shop.run("apply")
    shop.run("plan")
    shop.replaced(("/feed.xml", "/feed"))
    assert "It would be refused" in shop.run("plan", code=3).stdout
    assert shop.json("plan", code=3)["blocked"]
    shop.replaced(("version: 1", "version: 2"))
    shop.run("plan")
    shop.replaced(("/feed}", "feed}"))
    shop.run("plan", code=1)


def test_without_a_gateway_rebase_leaves_going_live_to_apply(shop):
    shop.run("apply")
    shop.replaced(("/feed.xml", "/feed"))
    text = shop.file.read_text()
    dry = shop.run("rebase", "--dry-run").stdout
    assert "would be version 2" in dry
    assert shop.file.read_text() == text
    said = shop.run("rebase").stdout
    assert "is version 2 now" in said
    assert "`strangler apply` makes it live" in said


def test_of_two_commands_at_once_each_is_live_or_told(shop):
    shop.run("apply")
    pair = [
        subprocess.Popen(
            shop.command("canary", "reviews", percent, "--json"), cwd=shop.folder, env=shop.env(),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for percent in ("5", "10")
    ]  # fmt: skip
    outputs = [process.communicate(timeout=60) for process in pair]
    codes = [process.returncode for process in pair]
    assert set(codes) <= {0, 3}, outputs
    assert shop.json("status")["live"]["number"] == 1 + codes.count(0)


def test_half_done_edits_survive_a_canary(shop):
    shop.run("apply")
    shop.replaced(("/feed.xml", "/feed"))
    said = shop.run("canary", "reviews", "5").stdout
    assert "edits that are not live" in " ".join(said.split())
    text = shop.file.read_text()
    assert "/feed}" in text
    assert "{reviews: 5, legacy: 95}" in text
    assert "/feed.xml" in shop.run("explain", "GET", "/feed.xml").stdout
    assert shop.json("explain", "GET", "/feed.xml")["route"] == "feed"


def test_a_broken_file_is_left_as_it_is(shop):
    shop.run("apply")
    shop.file.write_text(shop.text + "  - {name: ")
    said = shop.run("canary", "reviews", "5").stdout
    assert "was left as it is" in " ".join(said.split())
    assert shop.file.read_text() == shop.text + "  - {name: "


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("canary", "reviews"), 2),
        (("canary", "reviews", "101"), 2),
        (("canary", "reviews", "60", "--to", "reviews=5"), 2),
        (("explain", "GET", "reviews"), 2),
        (("diff", "1", "newest"), 2),
        (("canary", "nope", "5"), 1),
        (("canary", "feed", "5"), 1),
        (("explain", "GET", "/", "-H", "nonsense"), 2),
        (("undo",), 1),
        (("diff", "1", "9"), 1),
        (("status", "--admin", "127.0.0.1:1"), 5),
        (("status", "--store", "mysql://a/b"), 5),
    ],
)
def test_exit_codes(shop, words, code):
    shop.run("apply")
    shop.run(*words, code=code)
    assert "error" in shop.json(*words, code=code) if code != 2 else True


def test_schema_and_token(shop):
    assert json.loads(shop.run("schema").stdout)["title"]
    made = shop.run("token", "ci", "--role", "operator")
    assert re.fullmatch(r"ci:operator:[0-9a-f]{64}\n", made.stderr)
    assert made.stdout.strip() not in made.stderr


@pytest.mark.parametrize("name", list(main.commands))
def test_each_command_teaches(name):
    command = main.commands[name]
    assert command.help
    assert name == "demo" or "Example" in command.help
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert all(each.help for each in options)


def test_help_loads_nothing_heavy():
    code = "import sys, cli; print([m for m in ('sqlalchemy', 'aiohttp', 'rich', 'uvloop', " \
           "'strangler.config.load', 'yaml') if m in sys.modules])"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)
    assert done.stdout == "[]\n", done
