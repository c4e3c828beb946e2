"""Every `strangler cdc` command on real servers: what it says, and how it ends."""

import json
import os
import re

import psycopg
import pytest
from support import commands
from support.pipes import Pipe, until
from support.shared import new_database, shared_postgres, shared_tansu

SECRET = "hush-hush"
TABLE = "CREATE TABLE review (id int PRIMARY KEY, stars int)"
EVERY = [
    ["init", "reviews"], ["run", "reviews"], ["apply", "reviews"], ["status"],
    ["snapshot", "reviews"], ["guard", "reviews", "status"], ["tail", "reviews"],
    ["verify", "reviews"], ["repair", "reviews", "--all"], ["probe", "reviews"],
    ["retry", "reviews"],
]  # fmt: skip


@pytest.fixture(scope="module")
def cluster():
    with shared_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def broker():
    with shared_tansu() as address:
        yield address


@pytest.fixture(scope="module")
def shop(cluster, broker, tmp_path_factory):
    """A stream with its relay and applier running, and a copy that is complete."""
    source, target = (new_database(cluster, "commands") for _ in "st")
    for url, rows in ((source, "INSERT INTO review VALUES (1, 5), (2, 4), (3, 3)"), (target, "")):
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(TABLE)
            if rows:
                connection.execute(rows)
    shop = Pipe(tmp_path_factory.mktemp("shop"), broker, source, ["review"], target=target)
    with shop.process("run", shop.stream.name), shop.process("apply", shop.stream.name):
        until(lambda: _rows(target) == _rows(source), "the copy")
        yield shop


def _rows(url):
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT * FROM review ORDER BY id").fetchall()


def answer(shop, *words, code=0):
    """What the command says as JSON; people are told it too."""
    done = shop.command(*words, "--json")
    assert done.returncode == code, (done.stdout, done.stderr)
    said = shop.command(*words)
    assert said.stdout
    assert "Traceback" not in said.stderr
    return json.loads(done.stdout)


def test_init_says_that_nothing_is_missing(shop):
    assert answer(shop, "init", shop.stream.name)["ready"]


def test_status_knows_relay_and_applier(shop):
    [stream] = until(
        lambda: [s for s in answer(shop, "status")["streams"] if s["applier"]["partitions"]],
        "the applier's places",
    )
    assert stream["relay"]["epoch"] >= 1
    assert stream["applier"]["state"] != "unreachable"


def test_a_snapshot_is_asked_for(shop):
    asked = answer(shop, "snapshot", shop.stream.name, "--where", "id > 1")
    assert asked["tables"] == ["review"]
    assert asked["seq"] > 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--table", "nobody"], "has no table nobody; it has review"),
        (["--where", "no such column = 1"], "syntax error"),
        (["--where", "nobody = 1"], "nobody"),
    ],
)
def test_a_snapshot_that_cannot_be_made_is_refused_at_once(shop, more, said):
    done = shop.command("snapshot", shop.stream.name, *more)
    assert done.returncode == 1
    assert said in " ".join(done.stderr.split())


def test_a_guard_is_installed_closed_opened_and_removed(shop):
    for action, state in (
        ("status", "missing"), ("install", "open"), ("close", "closed"), ("open", "open"),
        ("remove", "missing"),
    ):  # fmt: skip
        assert answer(shop, "guard", shop.stream.name, action)["state"] == state
    assert shop.command("guard", shop.stream.name, "slam").returncode == 2
    missing = shop.command("guard", shop.stream.name, "close")
    assert missing.returncode == 1
    assert "not installed" in " ".join(missing.stderr.split())


def test_tail_shows_records_from_the_start(shop):
    done = shop.command("tail", shop.stream.name, "--from-start", "--limit", "3", "--json")
    assert done.returncode == 0
    assert all(json.loads(line)["value"] for line in done.stdout.splitlines())
    assert len(done.stdout.splitlines()) == 3
    # Partitions come in any order, and heartbeats meanwhile: more than there are, for every row.
    some = str(len(shop.read()) + 15)
    said = shop.command("tail", shop.stream.name, "--from-start", "--limit", some)
    assert "read id=1" in said.stdout
    assert shop.command("tail", shop.stream.name, "--table", "nobody").returncode == 1
    assert shop.command("tail", shop.stream.name, "--limit", "0").returncode == 2


def test_verify_repair_probe_and_retry(shop):
    name = shop.stream.name
    assert answer(shop, "verify", name)["exit_code"] == 0
    assert answer(shop, "repair", name, "review", "1", "2")["clean"]
    assert answer(shop, "repair", name, "--all")["tables"] == []
    assert not answer(shop, "probe", name)["stuck"]
    assert answer(shop, "retry", name)["records"] == 0
    assert shop.command("repair", name).returncode == 2
    assert shop.command("repair", name, "review", "1", "--all").returncode == 2


def test_a_difference_has_its_exit_code(shop):
    with psycopg.connect(shop.stream.target, autocommit=True) as connection:
        connection.execute("UPDATE review SET stars = 99 WHERE id = 3")
    assert answer(shop, "verify", shop.stream.name, code=1)["exit_code"] == 1
    assert answer(shop, "repair", shop.stream.name, "--all")["clean"]
    assert _rows(shop.stream.target) == _rows(shop.stream.source)


@pytest.mark.parametrize("word", ["run", "apply"])
@pytest.mark.parametrize("given", ["nowhere", "127.0.0.1:", "127.0.0.1:70000", "127.0.0.1:x", ""])
def test_an_address_for_metrics_that_is_none_is_wrong_usage(shop, word, given):
    done = shop.command(word, shop.stream.name, "--metrics", given)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no HOST:PORT" in " ".join(done.stderr.split())


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_stream_that_is_not_there_is_named(shop, words):
    if words == ["status"]:
        words = ["status", "reviews"]
    done = shop.command(*words)
    assert done.returncode == 1
    assert f"there is no stream reviews under `sync:`; there are {shop.stream.name}" in " ".join(
        done.stderr.split()
    )


@pytest.mark.parametrize("words", [["run"], ["apply"], ["verify", "--within", "x"], ["nothing"]])
def test_wrong_usage_ends_with_2(shop, words):
    assert shop.command(*words).returncode == 2


AWAY = {
    "AWAY": f"postgresql://someone:{SECRET}@127.0.0.1:1/shop",
    "FARTHER": f"postgresql://someone:{SECRET}@127.0.0.1:1/reviews",
}


def away(tmp_path):
    """A file whose databases or broker nobody answers for."""
    url = "${AWAY}"
    given = {
        "version": 1, "upstreams": {"legacy": {"endpoints": ["http://127.0.0.1:1"]}},
        "default": "legacy",
        "sync": {"reviews": {"source": url, "target": "${FARTHER}", "kafka": "127.0.0.1:1",
                             "tables": ["review"]}},
    }  # fmt: skip
    (tmp_path / "routes.yaml").write_text(json.dumps(given))


TRYING = {"run", "apply", "status"}
"""Those that go on trying, or say what cannot be reached."""


@pytest.mark.parametrize("words", [w for w in EVERY if w[0] not in TRYING], ids=" ".join)
def test_what_cannot_be_reached_is_said_soon_and_without_a_password(tmp_path, words):
    away(tmp_path)
    done = tried(tmp_path, *words)
    assert done.returncode == 5, (done.stdout, done.stderr)
    assert "refused" in done.stdout + done.stderr
    clean(done)


def test_the_status_says_what_cannot_be_reached(tmp_path):
    away(tmp_path)
    done = tried(tmp_path, "status", "--json")
    assert done.returncode == 0
    [stream] = json.loads(done.stdout)["streams"]
    assert stream["relay"] is None
    assert stream["applier"]["state"] == "unreachable"
    clean(done)
    clean(tried(tmp_path, "status"))


@pytest.mark.parametrize("command", ["run", "apply"])
def test_a_process_waits_for_what_cannot_be_reached(tmp_path, command):
    away(tmp_path)
    with (tmp_path / "log").open("wb+") as log:
        process = commands.Command(
            "cdc", command, "reviews", cwd=tmp_path, stdout=log, stderr=log,
            env={**os.environ, **AWAY},
        )  # fmt: skip
        told = re.compile("relay_interrupted|apply_failed")
        try:
            until(lambda: told.search((tmp_path / "log").read_text()), "a warning")
            assert process.poll() is None
        finally:
            process.terminate()
            assert process.wait(60) == 0
    text = (tmp_path / "log").read_text()
    assert SECRET not in text
    assert "Traceback" not in text


def tried(folder, *words):
    env = {**os.environ, **AWAY, "COLUMNS": "80"}
    return commands.run("cdc", *words, cwd=folder, env=env, timeout=110)


def clean(done):
    said = done.stdout + done.stderr
    assert SECRET not in said
    assert "Traceback" not in said
    assert "sqlalche.me" not in said
