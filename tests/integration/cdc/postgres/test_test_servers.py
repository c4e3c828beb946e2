"""The servers of the tests have room for what all tests of a process leave there."""

import psycopg
from support.shared import GivenPostgres, given, new_database, shared_postgres

STREAMS = 60


def test_there_is_a_place_for_the_origin_of_every_stream(cluster):
    names = [f"strangler:room{number}" for number in range(STREAMS)]
    with psycopg.connect(cluster.url(), autocommit=True) as session:
        for name in names:
            session.execute("SELECT pg_replication_origin_create(%s)", (name,))
        try:
            for number, name in enumerate(names, 1):
                session.execute("SELECT pg_replication_origin_session_setup(%s)", (name,))
                with session.transaction():  # what an applier commits takes the place for good
                    session.execute(
                        "SELECT pg_replication_origin_xact_setup(%s::pg_lsn, now())",
                        (f"0/{number:X}",),
                    )
                    session.execute(f"CREATE TABLE room{number} ()")
                session.execute("SELECT pg_replication_origin_session_reset()")
            kept = "SELECT count(*) FROM pg_replication_origin_status WHERE external_id = ANY (%s)"
            assert session.execute(kept, (names,)).fetchone() == (STREAMS,)
        finally:
            for number, name in enumerate(names, 1):
                session.execute("SELECT pg_replication_origin_drop(%s)", (name,))
                session.execute(f"DROP TABLE IF EXISTS room{number}")


def test_nothing_is_left_on_a_server_that_was_given(cluster):
    left = (
        "SELECT datname FROM pg_database UNION SELECT slot_name FROM pg_replication_slots"
        " UNION SELECT roname FROM pg_replication_origin"
    )
    with psycopg.connect(cluster.url(), autocommit=True) as session:
        before = set(session.execute(left))
        with given(GivenPostgres, cluster.url()) as server:
            url = new_database(server, "given")
            with psycopg.connect(url, autocommit=True) as ours:
                ours.execute("SELECT pg_create_logical_replication_slot('given', 'pgoutput')")
                ours.execute("CREATE TABLE strangler_stream (stream text)")
                ours.execute("INSERT INTO strangler_stream VALUES ('given')")
                ours.execute("SELECT pg_replication_origin_create('strangler:given')")
            made = {name for (name,) in set(session.execute(left)) - before}
            assert made == {url.rpartition("/")[2], "given", "strangler:given"}
        assert set(session.execute(left)) == before


def test_the_server_that_is_named_is_the_one_that_tests_share(cluster, monkeypatch):
    monkeypatch.setattr("support.shared.POSTGRES", cluster.url())
    with shared_postgres(own=None) as server, psycopg.connect(cluster.url()) as session:
        name = new_database(server, "named").rpartition("/")[2]
        found = session.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
        assert found.fetchone() == (1,)
