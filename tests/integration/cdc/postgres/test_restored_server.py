"""A server whose disk was put back to an earlier day: its identifiers are the old ones."""

from __future__ import annotations

import shutil

import pytest
from support.databases import logical_postgres

from cdc.relay.ports import SourceError
from tests.integration.cdc.postgres.reading import Case

ITEM = "CREATE TABLE item (id bigint PRIMARY KEY, name text)"


@pytest.fixture
def restored(tmp_path):
    """A case that was read up to 5, and whose server then forgot 3, 4 and 5; and where it was."""
    with logical_postgres() as server:
        case = Case(server, "shop", tmp_path)
        case.run(ITEM)
        case.begin("item")
        case.run("INSERT INTO item VALUES (1)", "INSERT INTO item VALUES (2)")
        for _, _, commit in case.commits(2):
            case.source.confirm(commit.resume)
        case.source.close()
        server.stop()
        copy = server.data.with_name("copy")
        shutil.copytree(server.data, copy)
        server.start()
        case.again(commit.resume)
        case.run(*(f"INSERT INTO item VALUES ({number})" for number in (3, 4, 5)))
        *_, (_, _, last) = case.commits(3)
        case.source.close()
        server.stop()
        shutil.rmtree(server.data)
        copy.rename(server.data)
        if server.user is not None:
            for path in (server.data, *server.data.rglob("*")):
                shutil.chown(path, server.user)
        server.start()
        yield case, last.resume
        case.source.close()


def refused(case, resume) -> None:
    with pytest.raises(SourceError) as raised:
        case.again(resume)
    assert not raised.value.temporary
    assert "--resnapshot" in str(raised.value)


def test_it_is_noticed_while_its_log_ends_before_the_relays_place(restored):
    refused(*restored)


@pytest.mark.xfail(
    strict=True,
    reason="system identifier and slot are the old ones, and nothing that a checkpoint keeps says"
    " what the log held before its place: what was committed anew before it is not read",
)
def test_it_is_noticed_after_it_has_written_past_the_relays_place(restored):
    case, resume = restored
    case.run("INSERT INTO item SELECT i, repeat('x', 200) FROM generate_series(10, 400) i")
    assert int(case.value("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")) > resume
    refused(case, resume)
