"""The servers of the tests have room for what all tests of a process leave there."""

import psycopg

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
