"""What the preflight says, does and undoes, on real servers."""

import os
import signal
import subprocess
import time
from dataclasses import replace

import psycopg
import pytest
from support.databases import Cluster, debian_postgres, folder, free_port, logical_postgres
from support.streams import a_stream

from cdc.config.model import Limits, TableSync
from cdc.relay.ports import SourceError
from cdc.sources.postgres import PostgresControl, PostgresPreflight, slots

ITEM = "CREATE TABLE item (id int PRIMARY KEY, name text)"
SLOTS = "SELECT count(*) FROM pg_replication_slots WHERE slot_name = 'strangler_{}'"
LIMITLESS = "max_slot_wal_keep_size is unlimited"


@pytest.fixture
def preflight(request):
    """Makes preflights that are closed after the test."""

    def opened(stream):
        made = PostgresPreflight(stream)
        request.addfinalizer(made.close)
        return made

    return opened


def told(preflight, fatal=True):
    """What is found, apart from the server's own limit."""
    return [
        finding for finding in preflight.check()
        if finding.fatal is fatal and LIMITLESS not in finding.what
    ]  # fmt: skip


def about(findings, text):
    """The one finding with this text."""
    (found,) = [finding for finding in findings if text in finding.what]
    return found


def published(case):
    with psycopg.connect(case.url) as session:
        rows = session.execute("SELECT pubname, tablename FROM pg_publication_tables").fetchall()
    return {tuple(row) for row in rows}


def until_free(case):
    """Until the server has noticed that nobody reads the slot."""
    query = f"SELECT active FROM pg_replication_slots WHERE slot_name = 'strangler_{case.name}'"
    deadline = time.monotonic() + 30.0
    while case.value(query):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_check_apply_check_undo(case, preflight):
    case.run(ITEM, "CREATE TABLE outbox (id uuid PRIMARY KEY, aggregatetype text)")
    stream = a_stream(case.url, "item", name=case.name, outbox="outbox")
    setup = preflight(stream)
    before = told(setup)
    assert [finding.applies for finding in before] == [True, True]
    assert setup.apply() == [finding.remedy.replace("ONLY strangler", 'ONLY public.strangler')
                             for finding in before]  # fmt: skip
    assert setup.apply() == []
    assert told(setup) == []
    name = f"strangler_{case.name}"
    tables = {"item", "outbox", "strangler_marker"}
    assert published(case) == {(name, table) for table in tables}
    assert case.value(SLOTS.format(case.name)) == 0
    undone = setup.undo()
    assert undone == [f'DROP PUBLICATION "{name}"', "DROP TABLE strangler_marker"]
    assert setup.undo() == []
    assert told(setup) == before


def test_what_others_use_stays(case, preflight):
    case.run(ITEM)
    streams = [a_stream(case.url, "item", name=f"{case.name}{letter}") for letter in "ab"]
    first, second = (preflight(stream) for stream in streams)
    first.apply()
    second.apply()
    control = PostgresControl(streams[0])
    for stream in streams:
        control.mark(stream.name, "heartbeat", "{}")
    control.close()
    assert [statement.split()[0] for statement in first.undo()] == ["DROP", "DELETE"]
    assert told(second) == []
    assert case.value("SELECT array_agg(stream) FROM strangler_marker") == [f"{case.name}b"]
    assert second.undo()[-1] == "DROP TABLE strangler_marker"


def test_a_publication_is_altered_to_what_the_stream_says(case, preflight):
    case.run(ITEM, "CREATE TABLE more (id int PRIMARY KEY)", "CREATE TABLE less (id int)")
    name = f"strangler_{case.name}"
    setup = preflight(a_stream(case.url, "item", "more", name=case.name))
    case.run(f"CREATE PUBLICATION {name} FOR TABLE item, less WITH (publish = 'insert')")
    setup.apply()
    assert told(setup) == []
    assert published(case) == {(name, each) for each in ("item", "more", "strangler_marker")}
    for statement in (
        f"ALTER PUBLICATION {name} SET (publish_via_partition_root = false)",
        f"ALTER PUBLICATION {name} SET TABLE strangler_marker, more, item WHERE (id > 5)",
        f"ALTER PUBLICATION {name} SET TABLE strangler_marker, more, item (id)",
        f"ALTER PUBLICATION {name} ADD TABLES IN SCHEMA public",
        f"ALTER PUBLICATION {name} DROP TABLE more",
    ):
        case.run(statement)
        assert [finding.applies for finding in told(setup)] == [True], statement
        assert len(setup.apply()) == 1
        assert told(setup) == []


def test_generated_columns_are_not_published(newest_case, preflight):
    case = newest_case
    case.run(
        "CREATE TABLE item (id int PRIMARY KEY, twice int GENERATED ALWAYS AS (id * 2) STORED)"
    )
    setup = preflight(case.prepare("item"))
    assert "twice" in about(told(setup, fatal=False), "generated columns").what
    case.run(f"ALTER PUBLICATION strangler_{case.name} SET (publish_generated_columns = stored)")
    assert len(told(setup)) == 1
    setup.apply()
    assert told(setup) == []


def test_a_table_without_identity_is_not_published_as_the_application_must_go_on(case, preflight):
    case.run(
        "CREATE TABLE log (line text)",
        "CREATE TABLE code (code text NOT NULL)",
        "CREATE UNIQUE INDEX by_code ON code (code)",
        "CREATE TABLE nothing (id int PRIMARY KEY)",
        "ALTER TABLE nothing REPLICA IDENTITY NOTHING",
        "INSERT INTO log VALUES ('a')",
    )
    stream = a_stream(case.url, "log", TableSync("code", "code", ("code",)), "nothing",
                      name=case.name)  # fmt: skip
    setup = preflight(stream)
    setup.apply()
    case.run("UPDATE log SET line = 'b'", "DELETE FROM log", "DELETE FROM nothing")
    assert published(case) == {(f"strangler_{case.name}", "strangler_marker")}
    found = told(setup)
    assert about(found, "log has no key")
    remedies = {
        table: about(found, f"which row of public.{table} ").remedy
        for table in ("log", "code", "nothing")
    }
    assert remedies == {
        "log": "ALTER TABLE public.log REPLICA IDENTITY FULL",
        "code": "ALTER TABLE public.code REPLICA IDENTITY USING INDEX by_code",
        "nothing": "ALTER TABLE public.nothing REPLICA IDENTITY DEFAULT",
    }
    case.run(*remedies.values(), "ALTER TABLE log ADD PRIMARY KEY (line)")
    setup.apply()
    assert told(setup) == []
    assert len(published(case)) == 4


def test_the_key_and_what_the_log_names_rows_by(case, preflight):
    case.run(
        "CREATE TABLE item (id int PRIMARY KEY, a int, b int NOT NULL)",
        "CREATE TABLE other (id int PRIMARY KEY, b int NOT NULL UNIQUE)",
        "CREATE TABLE third (id int PRIMARY KEY)",
    )
    stream = a_stream(
        case.url, TableSync("item", "item", ("a",)), TableSync("other", "other", ("b",)),
        TableSync("third", "third", ("nothing",)), name=case.name,
    )  # fmt: skip
    setup = preflight(stream)
    setup.apply()
    found = told(setup)
    assert about(found, "column a of the key").remedy.endswith('ALTER COLUMN "a" SET NOT NULL')
    assert about(found, "row of public.item by id").remedy.endswith("REPLICA IDENTITY FULL")
    by_index = about(found, "row of public.other by id").remedy
    assert by_index.endswith("REPLICA IDENTITY USING INDEX other_b_key")
    assert "nothing" in about(found, "third names columns").what
    unsure = about(told(setup, fatal=False), "no unique index").remedy
    assert unsure == 'CREATE UNIQUE INDEX CONCURRENTLY ON public.item ("a")'


def test_every_partition_has_to_tell_its_rows(case, preflight):
    case.run(
        "CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id)",
        "CREATE TABLE low PARTITION OF parted FOR VALUES FROM (0) TO (100)",
        "CREATE UNLOGGED TABLE high PARTITION OF parted FOR VALUES FROM (100) TO (200)",
        "ALTER TABLE low REPLICA IDENTITY NOTHING",
        "INSERT INTO parted VALUES (5)",
    )
    setup = preflight(a_stream(case.url, "parted", name=case.name))
    setup.apply()
    case.run("UPDATE parted SET id = 6")
    found = told(setup)
    remedies = [about(found, "high is unlogged").remedy, about(found, "row of public.low").remedy]
    case.run(*remedies)
    setup.apply()
    assert told(setup) == []
    assert published(case) >= {(f"strangler_{case.name}", "parted")}


def test_tables_that_have_no_changes_or_not_all(case, preflight):
    case.run(
        "CREATE UNLOGGED TABLE fast (id int PRIMARY KEY)",
        ITEM,
        "CREATE VIEW seen AS SELECT * FROM item",
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE child (more int) INHERITS (parent)",
        "CREATE SCHEMA sales",
        "CREATE TABLE sales.orders (id int PRIMARY KEY)",
    )
    stream = a_stream(
        case.url, "fast", "seen", "parent", "orders", "sales.orders", "no.such",
        TableSync("item", "item", convert="package.module:function"), name=case.name,
        outbox="events", reverse=True,
    )  # fmt: skip
    setup = preflight(stream)
    setup.apply()
    found, doubts = told(setup), told(setup, fatal=False)
    assert about(found, "fast is unlogged").remedy == "ALTER TABLE public.fast SET LOGGED"
    assert about(found, "seen is a view")
    assert "there is sales.orders" in about(found, "no table orders").what
    assert about(found, "no table no.such")
    assert about(found, "no outbox table events").remedy.startswith("CREATE TABLE")
    assert about(doubts, "child tables").what.endswith(": child")
    assert "name" in about(doubts, "`convert`").what
    assert {table for _, table in published(case)} == {
        "parent", "orders", "item", "strangler_marker", "strangler_applied",
    }  # fmt: skip


def test_a_reverse_stream_publishes_what_the_applier_writes_first(case, preflight):
    case.run(ITEM)
    setup = preflight(a_stream(case.url, "item", name=case.name, reverse=True))
    assert about(told(setup), "table strangler_applied is missing").applies
    setup.apply()
    assert told(setup) == []
    assert (f"strangler_{case.name}", "strangler_applied") in published(case)
    setup.undo()
    assert case.value("SELECT to_regclass('strangler_applied')") is None


def test_names_that_have_to_be_quoted(case, preflight):
    case.run(
        'CREATE SCHEMA "My""Shop"', 'CREATE TABLE "My""Shop"."Order Item" (id int PRIMARY KEY)'
    )
    setup = preflight(a_stream(case.url, 'My"Shop.Order Item', name=f"{case.name}-It's"))
    setup.apply()
    assert told(setup) == []
    assert len(published(case)) == 2
    assert setup.undo()[-1] == "DROP TABLE strangler_marker"


def test_a_role_without_rights_is_told_each_of_them(case, preflight):
    role = f"weak_{case.name}"
    case.run(ITEM, f"CREATE ROLE {role} LOGIN", "REVOKE CREATE ON SCHEMA public FROM PUBLIC",
             "ALTER TABLE item ENABLE ROW LEVEL SECURITY")  # fmt: skip
    stream = a_stream(case.cluster.url(case.name, role), "item", name=case.name)
    setup = preflight(stream)
    found = told(setup)
    assert not any(finding.applies for finding in found)
    for text in ("may not replicate", "may not be read", "may not create a table in the schema",
                 "may not create a publication", "published by the owner postgres"):  # fmt: skip
        assert about(found, text)
    with pytest.raises(SourceError, match="permission denied") as raised:
        setup.apply()
    assert not raised.value.temporary
    for finding in found:
        if finding.remedy.startswith(("ALTER ROLE", "GRANT")):
            case.run(*finding.remedy.partition(", or ")[0].split("; "))
    assert [finding.applies for finding in told(setup)] == [True, True]
    setup.apply()
    assert told(setup) == []


def test_a_role_that_row_security_applies_to(case, preflight):
    role = f"seeing_{case.name}"
    case.run(ITEM, f"CREATE ROLE {role} LOGIN REPLICATION", f"GRANT SELECT ON item TO {role}",
             "ALTER TABLE item ENABLE ROW LEVEL SECURITY")  # fmt: skip
    case.prepare("item")
    setup = preflight(a_stream(case.cluster.url(case.name, role), "item", name=case.name))
    found = told(setup)
    assert about(found, "row security").remedy == f'ALTER ROLE "{role}" BYPASSRLS'
    rights = about(found, "may not write markers").remedy
    case.run(f'ALTER ROLE "{role}" BYPASSRLS', rights)
    assert told(setup) == []


def test_a_table_of_that_name_which_is_another(newest_case, preflight):
    newest_case.run(ITEM, "CREATE TABLE strangler_marker (id int PRIMARY KEY)")
    setup = preflight(newest_case.prepare("item"))
    assert about(told(setup), "is not the one for markers")


def test_the_slot_of_the_stream(case, preflight, monkeypatch):
    monkeypatch.setattr(slots, "_RELEASED_WITHIN", 0.5)
    case.run(ITEM)
    case.begin("item")
    case.stream = replace(case.stream, limits=Limits(retained_warn=0))
    setup = preflight(case.stream)
    assert told(setup) == []
    with pytest.raises(SourceError, match=r"in use by process \d+") as raised:
        setup.undo()
    assert raised.value.temporary
    assert published(case)
    monkeypatch.undo()
    case.source.close()
    case.run("INSERT INTO item VALUES (1, 'a')")
    until_free(case)
    assert "nobody reads" in told(setup, fatal=False)[0].what
    assert setup.undo()[0] == f"SELECT pg_drop_replication_slot('strangler_{case.name}')"
    assert case.value(SLOTS.format(case.name)) == 0


def test_a_slot_that_is_not_the_streams(case, preflight):
    case.run(ITEM)
    slot = f"strangler_{case.name}"
    case.run(f"SELECT pg_create_physical_replication_slot('{slot}')")
    setup = preflight(case.prepare("item"))
    assert about(told(setup), "it is not the stream's")
    assert "pg_drop_replication_slot" not in " ".join(setup.undo())
    case.run(f"SELECT pg_drop_replication_slot('{slot}')")


def test_an_origin_goes_with_its_stream(case, preflight):
    case.run(ITEM)
    stream = case.prepare("item")
    case.run(f"SELECT pg_replication_origin_create('strangler:{stream.name}')")
    setup = preflight(stream)
    assert setup.undo()[-1] == f"SELECT pg_replication_origin_drop('strangler:{stream.name}')"
    assert setup.undo() == []


@pytest.mark.parametrize("programs", [None, debian_postgres(15)], ids=["newest", "oldest"])
def test_a_server_that_is_not_prepared_is_told_everything_at_once(preflight, programs):
    settings = "wal_level = replica\nmax_replication_slots = 1\nmax_wal_senders = 0\n"
    if programs is None:
        settings += "idle_replication_slot_timeout = 1h\n"
    with logical_postgres(programs, settings) as cluster:
        with psycopg.connect(cluster.url(), autocommit=True) as session:
            session.execute(ITEM)
            session.execute("SELECT pg_create_physical_replication_slot('taken')")
        setup = preflight(a_stream(cluster.url(), "item"))
        found, doubts = told(setup), setup.check()
        assert about(found, "wal_level is replica").remedy.startswith("ALTER SYSTEM")
        assert about(found, "all 1 of max_replication_slots").remedy.startswith("ALTER SYSTEM")
        assert about(found, "all 0 of max_wal_senders")
        assert about(found, "table strangler_marker is missing")
        assert about(found, "publication strangler_suite is missing")
        assert not about(doubts, LIMITLESS).fatal
        idle = [finding for finding in doubts if "idle_replication_slot_timeout" in finding.what]
        assert len(idle) == (programs is None)
        setup.close()


def test_a_slot_whose_log_is_gone(case, preflight):
    case.run(ITEM)
    case.begin("item")
    case.source.close()
    until_free(case)
    settings = ("max_slot_wal_keep_size = '1MB'", "min_wal_size = '32MB'", "max_wal_size = '32MB'")
    try:
        case.run(*(f"ALTER SYSTEM SET {each}" for each in settings), "SELECT pg_reload_conf()")
        for _ in range(4):
            case.run("SELECT pg_switch_wal()", "CREATE TABLE x ()", "DROP TABLE x")
        case.run("SELECT pg_switch_wal()", "CHECKPOINT")
        setup = preflight(case.stream)
        assert about(told(setup), "has lost its log").remedy.endswith("--resnapshot")
        assert setup.undo()
    finally:
        case.run("ALTER SYSTEM RESET ALL", "SELECT pg_reload_conf()")


@pytest.mark.parametrize("programs", [None, debian_postgres(15)], ids=["newest", "oldest"])
def test_a_standby_is_no_source(preflight, programs, tmp_path):
    with logical_postgres(programs) as primary, folder("standby") as path:
        with psycopg.connect(primary.url(), autocommit=True) as session:
            session.execute(ITEM)
        path.chmod(0o755)
        data = path / "data"
        data.mkdir(mode=0o700)
        if primary.user is not None:
            os.chown(data, primary.user, -1)
        backup = [primary.programs / "pg_basebackup", "-D", data, "-R", "-d", primary.url(), "-c",
                  "fast"]  # fmt: skip
        subprocess.run(backup, check=True, capture_output=True, user=primary.user, timeout=60)
        standby = Cluster(primary.programs, data, free_port(), primary.user)
        standby.start()
        try:
            setup = preflight(a_stream(standby.url(), "item"))
            assert about(told(setup), "the server is a standby").remedy.startswith("name the prim")
            setup.close()
            control = PostgresControl(a_stream(standby.url(), "item"))
            with pytest.raises(SourceError):
                control.mark("suite", "low", "{}")
            control.close()
        finally:
            standby.stop(signal.SIGQUIT)
