"""A table that is published while a transaction that wrote into it is open, by version."""

import threading

import psycopg
import pytest
from support.databases import logical_postgres, wheel_postgres16
from support.streams import a_stream

from cdc.sources import open_preflight

WITHIN = 60.0


@pytest.fixture(params=["newest", "16"])
def server(request):
    with logical_postgres(wheel_postgres16() if request.param == "16" else None) as server:
        server.locks = request.param == "16"  # 16.2, which lacks the fix
        yield server


def test_no_change_behind_its_publication_is_lost(server):
    url = server.create("shop")
    with psycopg.connect(url, autocommit=True) as one, psycopg.connect(url) as other:
        for name in ("review", "answer"):
            one.execute(f"CREATE TABLE {name} (id int PRIMARY KEY)")
        prepared(url, "review")
        one.execute("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        other.execute("INSERT INTO answer VALUES (1)")
        done = threading.Thread(target=prepared, args=(url, "review", "answer"))
        done.start()
        done.join(2.0 if server.locks else WITHIN)
        assert done.is_alive() == server.locks, "it waits for who wrote only where it must"
        if not server.locks:
            other.execute("INSERT INTO answer VALUES (2)")
        other.commit()
        done.join(WITHIN)
        one.execute("INSERT INTO answer VALUES (3)")
        changes = one.execute(
            "SELECT data FROM pg_logical_slot_peek_binary_changes('s', NULL, NULL,"
            " 'proto_version', '1', 'publication_names', 'strangler_suite')"
        ).fetchall()
        inserted = [data[-1:] for (data,) in changes if data[:1] == b"I"]
        assert inserted == ([b"3"] if server.locks else [b"2", b"3"])


def prepared(url, *tables):
    setup = open_preflight(a_stream(url, *tables, name="suite"))
    setup.apply()
    setup.close()
