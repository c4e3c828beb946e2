"""How far a snapshot is, as a real relay tells it: while it runs, at its end, and to whom."""

import contextlib
import itertools
import json
import os
import pty
import re
import signal
import subprocess

import pytest
from sqlalchemy import create_engine, text
from support.commands import STRANGLER
from support.pipes import Pipe, until
from support.shared import new_database, shared_mariadb, shared_postgres, shared_tansu

from cdc.applier.targets import open_target
from cdc.config.model import Limits

ROWS, RATE = 2_000, 300
CHUNK = 100


@pytest.fixture(scope="module")
def cluster():
    with shared_postgres() as server:
        yield server


@pytest.fixture(scope="module")
def maria():
    with shared_mariadb() as server:
        yield server


@pytest.fixture(scope="module")
def broker():
    with shared_tansu() as address:
        yield address


def _empty(request, kind, folder):
    """URL of an empty database, and what makes the server count the rows of a new table."""
    if kind == "sqlite":
        (folder / "shop.sqlite3").touch()
        return f"sqlite:///{folder}/shop.sqlite3", "SELECT 1"
    if kind == "mariadb":
        return new_database(request.getfixturevalue("maria"), "progress"), "ANALYZE TABLE review"
    return new_database(request.getfixturevalue("cluster"), "progress"), "ANALYZE review"


@pytest.fixture
def shop(request, broker, tmp_path):
    """Makes a stream of a table with so many rows, whose relay sends few of them a second."""

    def make(kind="postgresql"):
        url, analyze = _empty(request, kind, tmp_path)
        engine = create_engine(url) if kind == "sqlite" else open_target(url, "tests").engine
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE review (id INTEGER PRIMARY KEY, stars INTEGER)"))
            rows = ", ".join(f"({number}, {number % 5})" for number in range(ROWS))
            connection.execute(text(f"INSERT INTO review VALUES {rows}"))
            connection.execute(text(analyze))
        engine.dispose()
        limits = Limits(chunk=CHUNK, rate=RATE)
        return Pipe(tmp_path, broker, url, ["review"], limits=limits, heartbeat=0.5)

    return make


@contextlib.contextmanager
def watching(shop, *words):
    """`strangler cdc status --watch` until the end of the block; what it has said so far."""
    path = shop.folder / f"watch{''.join(words)}"
    command = [*STRANGLER, "cdc", "status", "--watch", *words, "--routes", shop.routes()]
    with path.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, stderr=file, env=shop.environment())
    try:
        until(path.read_text, "its first answer")
        yield path.read_text
    finally:
        process.terminate()  # not by an interrupt, which whoever started the tests may ignore
        assert process.wait(30) == -signal.SIGTERM, path.read_text()


def answers(text):
    """What its relay said of the stream's snapshots, in each complete answer in JSON."""
    found, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        try:
            answer, end = decoder.raw_decode(text)
        except ValueError:
            break  # half written
        text = text[end:]
        if relay := answer["streams"][0]["relay"]:
            found.append(relay["snapshots"])
    return found


def on_a_terminal(shop, *words):
    """The outcome of a command whose standard error is a terminal, and what was drawn there."""
    ours, theirs = pty.openpty()
    command = [*STRANGLER, "cdc", *words, "--routes", shop.routes()]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=theirs, text=True,
        env=shop.environment(TERM="xterm", COLUMNS="100"),
    )  # fmt: skip
    os.close(theirs)
    drawn = b""
    with os.fdopen(ours, "rb", buffering=0) as terminal, process:
        with contextlib.suppress(OSError):  # EIO: the last writer has gone
            while more := terminal.read(65536):
                drawn += more
        out = process.stdout.read()
    return process.returncode, out, drawn.decode()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_the_status_tells_how_far_a_snapshot_is_and_about_how_far_it_goes(shop, kind):
    pipe = shop(kind)
    with watching(pipe, "--json") as watched, watching(pipe) as told:
        with pipe.relaying():
            until(lambda: [] in answers(watched())[1:], "its end")
            until(lambda: "snapshot of" in told(), "the same for people")
            until(lambda: "snapshot of" not in told().rpartition("stream ")[2], "its end, too")
        seen = list(itertools.chain(*answers(watched())))
        lines = re.findall(r"(\d+) of about (\d+) rows \((\d+) %\)", told())
    assert [(each["table"], each["repair"]) for each in seen] == [("review", False)] * len(seen)
    rows = [each["rows"] for each in seen]
    assert rows == sorted(rows)
    assert len(set(rows)) >= 3, "it grows"
    assert max(rows) <= ROWS
    estimates = {each["estimate"] for each in seen} - {0}
    assert estimates, "it is known"
    assert all(ROWS / 2 < estimate < ROWS * 2 for estimate in estimates)
    assert lines
    for sent, of, share in lines:
        assert int(share) == min(99, int(sent) * 100 // int(of))


def test_who_waits_for_a_snapshot_sees_it_grow_on_a_terminal_only_and_is_told_its_end(shop):
    pipe = shop()
    name = pipe.stream.name
    few = ("--where", "id < 200", "--wait")
    with pipe.relaying():
        code, said, drawn = on_a_terminal(pipe, "snapshot", name, "--wait")
        assert code == 0
        assert said.splitlines()[-1] == "The snapshot is over."
        assert "review" in drawn
        shares = [int(share) for share in re.findall(r"(\d+)%", drawn)]
        assert shares == sorted(shares)
        assert len(set(shares)) >= 3, "it grows"
        assert len([r for r in pipe.read() if b'"op":"r"' in (r.value or b"")]) == 2 * ROWS

        elsewhere = pipe.command("snapshot", name, *few)
        assert (elsewhere.returncode, elsewhere.stderr) == (0, "")
        assert elsewhere.stdout.splitlines()[-1] == "The snapshot is over."

        code, said, drawn = on_a_terminal(pipe, "snapshot", name, *few, "--json")
        assert (code, drawn) == (0, "")
        assert json.loads(said)["where"] == "id < 200"
        with watching(pipe, "--json") as watched:
            assert until(lambda: answers(watched()), "an answer")[-1] == []


def test_a_snapshot_that_the_relay_gives_up_is_told_to_who_waits_and_who_asks_later(shop):
    pipe = shop()
    where = f"1 / (id - {CHUNK + 50}) < 9"  # its first chunk is read, its second cannot be
    with pipe.relaying():
        waited = pipe.command("snapshot", pipe.stream.name, "--where", where, "--wait")
        said = pipe.command("status").stdout
    assert waited.returncode == 1
    assert "refused the snapshot: review: " in waited.stderr
    assert "division by zero" in waited.stderr
    assert "is over" not in waited.stdout
    assert " of review refused: " in said
    assert "division by zero" in said
