"""What a command says of servers that are away, and of a pipe that stands still."""

import json
import os
import sqlite3

import pytest
from support import commands

NOBODY = "127.0.0.1:1"


@pytest.fixture
def shop(tmp_path):
    """A source that is ready, without relay and applier: `shop(target)` runs commands."""
    with sqlite3.connect(tmp_path / "shop.db") as connection:
        connection.execute("CREATE TABLE review (id INTEGER PRIMARY KEY, stars INTEGER)")
        connection.execute("INSERT INTO review VALUES (1, 5)")
    connection.close()

    def with_target(target):
        stream = {"source": "${OLD}", "target": "${NEW}", "kafka": NOBODY, "tables": ["review"]}
        given = {"version": 1, "upstreams": {"legacy": {"endpoints": [f"http://{NOBODY}"]}},
                 "default": "legacy", "sync": {"reviews": stream}}  # fmt: skip
        (tmp_path / "routes.yaml").write_text(json.dumps(given))
        env = {**os.environ, "OLD": f"sqlite:///{tmp_path}/shop.db", "NEW": target}

        def command(*words):
            return commands.run("cdc", *words, cwd=tmp_path, env=env, timeout=110)

        assert command("init", "reviews", "--apply").returncode == 0
        return command

    return with_target


@pytest.mark.parametrize(
    "words",
    [
        ["verify", "reviews"], ["repair", "reviews", "review", "1"],
        ["repair", "reviews", "--all"], ["guard", "reviews", "status"], ["retry", "reviews"],
        ["probe", "reviews"], ["tail", "reviews", "--from-start"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_target_or_a_kafka_that_is_away_has_the_exit_code_of_every_server(shop, words):
    command = shop(f"postgresql://someone@{NOBODY}/reviews")
    done = command(*words)
    assert done.returncode == 5, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(command(*words, "--json").stdout)


@pytest.mark.parametrize("words", [["review", "1"], ["--all"]], ids=" ".join)
def test_a_repair_says_what_it_waits_for_while_the_pipe_stands_still(shop, tmp_path, words):
    with sqlite3.connect(tmp_path / "reviews.db") as connection:
        connection.execute("CREATE TABLE review (id INTEGER PRIMARY KEY, stars INTEGER)")
    connection.close()
    command = shop(f"sqlite:///{tmp_path}/reviews.db")
    done = command("repair", "reviews", *words, "--within", "6", "--json")
    assert done.returncode == 1
    assert "has read anything yet" in json.loads(done.stdout)["error"]
    assert done.stderr.splitlines() == [
        "Waiting: no applier of reviews has read anything yet: `strangler cdc apply reviews`."
    ]
