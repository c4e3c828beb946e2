"""Markers, chunks and rows of PostgreSQL, on real servers."""

import threading
from dataclasses import replace

import psycopg
import pytest
from support.streams import a_stream

from cdc.change import Kind
from cdc.relay.ports import SourceError
from cdc.sources.postgres import PostgresControl


@pytest.fixture
def opened(request):
    """Opens controls that are closed after the test."""

    def control(stream):
        control = PostgresControl(stream)
        request.addfinalizer(control.close)
        return control

    return control


def pages(control, relation, limit, where=None):
    rows, after = [], None
    while True:
        found = control.chunk(relation, after, limit, where).rows
        rows += found
        if len(found) < limit:
            return rows
        after = tuple(found[-1][index] for index in relation.key)


def test_markers_of_many_writers_are_numbered_without_a_gap(case, opened):
    case.run("CREATE TABLE item (id int PRIMARY KEY)")
    stream = case.prepare("item")
    case.run(
        f'ALTER DATABASE "{case.name}" SET default_transaction_isolation = serializable',
        f'ALTER DATABASE "{case.name}" SET default_transaction_read_only = on',
    )
    found, failed = [], []

    def write(kind):
        control = opened(stream)
        try:
            found.extend(control.mark("suite", kind, "{}") for _ in range(20))
        except SourceError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(kind,)) for kind in ("low", "high", "low", "x")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert sorted(found) == list(range(1, 81))
    assert opened(stream).mark("another", "low", "{}") == 1


def test_the_newest_marker_waits_for_one_that_may_be_in_the_log_already(case, opened):
    """A commit that waits for a standby is in the log, with its locks held, before it is seen."""
    case.run("CREATE TABLE item (id int PRIMARY KEY)")
    control = opened(case.prepare("item"))
    assert control.mark("suite", "low", "{}") == 1
    with psycopg.connect(case.url) as session:
        session.execute(
            "SELECT pg_advisory_xact_lock(hashtextextended('strangler_marker ' || 'suite', 0))"
        )
        session.execute("UPDATE strangler_marker SET seq = 7 WHERE stream = 'suite'")
        found = []
        asking = threading.Thread(target=lambda: found.append(control.newest_marker("suite")))
        asking.start()
        asking.join(0.5)
        assert found == []
        session.commit()
        asking.join(30)
    assert found == [7]


def test_a_marker_without_its_table_says_what_to_do(newest_case, opened):
    newest_case.run("CREATE TABLE item (id int PRIMARY KEY)")
    stream = newest_case.prepare("item")
    newest_case.run("DROP TABLE strangler_marker")
    with pytest.raises(SourceError, match="strangler cdc init") as raised:
        opened(stream).mark("suite", "low", "{}")
    assert not raised.value.temporary


def test_a_chunk_says_which_transactions_it_contains(case, opened):
    case.run("CREATE TABLE item (id int PRIMARY KEY)")
    control = opened(case.prepare("item"))
    relation = control.relation("item")

    def begin(id_):
        session = case.session()
        session.execute("BEGIN")
        session.execute("INSERT INTO item VALUES (%s)", (id_,))
        return session, session.execute("SELECT txid_current() %% 4294967296", ()).fetchone()[0]

    first, committed = begin(1)
    second, running = begin(2)
    first.execute("COMMIT")
    chunk = control.chunk(relation, None, 10)
    second.execute("COMMIT")
    third, later = begin(3)
    third.execute("COMMIT")
    assert chunk.rows == [(1,)]
    assert [chunk.visible(str(xid)) for xid in (committed, running, later)] == [True, False, False]
    assert control.rows(relation, []).visible(str(later))


def test_pages_go_in_the_order_of_the_keys_index(case, opened):
    case.run(
        "CREATE TABLE pair (a int, b text, v int, PRIMARY KEY (b, a) INCLUDE (v))",
        "INSERT INTO pair SELECT n % 7, 'b' || n / 7, n FROM generate_series(1, 100) AS n",
    )
    control = opened(case.prepare("pair"))
    relation = control.relation("pair")
    assert [relation.columns[index].name for index in relation.key] == ["a", "b"]
    rows = pages(control, relation, 9)
    assert sorted(row[2] for row in rows) == list(range(1, 101))
    assert rows == sorted(rows, key=lambda row: (row[1], row[0]))
    keys = [(row[0], row[1]) for row in rows]
    assert sorted(control.rows(relation, [*keys, (5, "nothing")]).rows) == sorted(rows)


@pytest.mark.parametrize("collation", ['"C"', '"en-x-icu"', "nocase"])
def test_text_keys_of_any_collation(case, opened, collation):
    icu = case.value("SELECT count(*) FROM pg_collation WHERE collname = 'en-x-icu'")
    if not icu and collation != '"C"':
        pytest.skip("this server was built without ICU")
    if collation == "nocase":
        case.run("CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2',"
                 " deterministic = false)")  # fmt: skip
    words = ["a", "B", "c", "Ä", "z", "", "a b", "a-b", "ab", "o'c", "\\", "%", "日本", "é"]
    case.run(f"CREATE TABLE word (id text COLLATE {collation} PRIMARY KEY)")
    with case.session() as session:
        for word in words:
            session.execute("INSERT INTO word VALUES (%s)", (word,))
    control = opened(case.prepare("word"))
    relation = control.relation("word")
    for limit in (1, 3, 100):
        assert sorted(row[0] for row in pages(control, relation, limit)) == sorted(words)
    assert len(control.rows(relation, [(word,) for word in words]).rows) == len(words)


def test_a_condition_may_hold_anything_that_sql_does(newest_case, opened):
    newest_case.run(
        "CREATE TABLE item (id int PRIMARY KEY, name text)",
        "INSERT INTO item SELECT n, 'name' || n FROM generate_series(1, 30) AS n",
    )
    control = opened(newest_case.prepare("item"))
    relation = control.relation("item")
    rows = pages(control, relation, 2, "name LIKE 'name1%' OR id = 3 -- {} %s and a comment")
    assert [row[0] for row in rows] == [1, 3, *range(10, 20)]
    with pytest.raises(SourceError, match="nothing") as raised:
        control.chunk(relation, None, 2, "nothing = 1")
    assert not raised.value.temporary


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE item DROP COLUMN name",
        "ALTER TABLE item ADD COLUMN more int DEFAULT 5",
        "ALTER TABLE item ALTER COLUMN name TYPE varchar(100)",
        "ALTER TABLE item RENAME TO things",
        "DROP TABLE item",
    ],
)
def test_a_table_that_is_altered_meanwhile_is_looked_at_again(newest_case, opened, statement):
    newest_case.run(
        "CREATE TABLE item (id int PRIMARY KEY, name text)", "INSERT INTO item VALUES (1, 'a')"
    )
    control = opened(newest_case.prepare("item"))
    relation = control.relation("item")
    assert control.chunk(relation, None, 10).rows == [(1, "a")]
    newest_case.run(statement)
    with pytest.raises(SourceError, match="item") as raised:
        control.chunk(relation, None, 10)
    assert raised.value.temporary


def test_partitions_are_read_as_their_table_and_children_are_not(case, opened):
    case.run(
        "CREATE TABLE parted (id int, at date, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)",
        "CREATE TABLE early PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-07-01')",
        "CREATE TABLE late PARTITION OF parted FOR VALUES FROM ('2026-07-01') TO ('2027-01-01')",
        "INSERT INTO parted SELECT n, date '2026-01-01' + n FROM generate_series(1, 300) AS n",
        "CREATE TABLE parent (id int PRIMARY KEY)",
        "CREATE TABLE child (more int) INHERITS (parent)",
        "INSERT INTO parent VALUES (1)",
        "INSERT INTO child VALUES (2, 2)",
    )
    control = opened(case.prepare("parted", "parent"))
    relation = control.relation("parted")
    assert [row[0] for row in pages(control, relation, 50)] == list(range(1, 301))
    assert control.estimate(relation) == 300
    assert control.chunk(control.relation("parent"), None, 10).rows == [(1,)]


def test_generated_and_dropped_columns_are_none(case, opened):
    case.run(
        "CREATE TABLE item (gone text, id int PRIMARY KEY,"
        " double int GENERATED ALWAYS AS (id * 2) STORED, name text)",
        "ALTER TABLE item DROP COLUMN gone",
        "INSERT INTO item VALUES (4, DEFAULT, 'four')",
    )
    control = opened(case.prepare("item"))
    relation = control.relation("item")
    assert [column.name for column in relation.columns] == ["id", "name"]
    assert control.chunk(relation, None, 10).rows == [(4, "four")]
    with pytest.raises(SourceError, match="double"):
        control.relation("item", ("double",))


def test_a_key_that_may_be_null_is_refused_as_its_rows_would_be_left_out(case, opened):
    case.run(
        "CREATE DOMAIN sure AS int NOT NULL",
        "CREATE TABLE item (id int PRIMARY KEY, a int UNIQUE, b sure UNIQUE)",
    )
    control = opened(case.prepare("item"))
    with pytest.raises(SourceError, match='ALTER COLUMN "a" SET NOT NULL') as raised:
        control.relation("item", ("a", "b"))
    assert not raised.value.temporary
    assert control.relation("item", ("b",)).key == (2,)


def test_the_key_is_the_one_by_which_the_log_names_rows(case, opened):
    case.run(
        "CREATE TABLE item (id int PRIMARY KEY, code text NOT NULL, v int)",
        "CREATE UNIQUE INDEX by_code ON item (code) INCLUDE (v)",
        "ALTER TABLE item REPLICA IDENTITY USING INDEX by_code",
        "CREATE DOMAIN cents AS numeric(10, 2)",
        "CREATE TABLE price (id cents PRIMARY KEY)",
    )
    control = opened(case.prepare("item", "price"))
    relation = control.relation("item")
    assert [relation.columns[index].name for index in relation.key] == ["code"]
    (column,) = control.relation("price").columns
    assert (column.kind, column.type) == (Kind.DECIMAL, "cents")


def test_an_estimate_needs_no_statistics(case, opened):
    case.run(
        "CREATE TABLE big (id int PRIMARY KEY, name text)",
        "INSERT INTO big SELECT n, 'name ' || n FROM generate_series(1, 60000) AS n",
        "CREATE TABLE small (id int PRIMARY KEY)",
        "INSERT INTO small SELECT generate_series(1, 7)",
    )
    control = opened(case.prepare("big", "small"))
    assert 20_000 < control.estimate(control.relation("big")) < 200_000
    assert control.estimate(control.relation("small")) == 7
    case.run("ANALYZE big")
    assert control.estimate(control.relation("big")) == 60_000


def test_rows_that_a_policy_hides_are_an_error_and_no_gap(newest_case, opened):
    newest_case.run(
        "CREATE TABLE item (id int PRIMARY KEY)",
        "INSERT INTO item VALUES (1), (2)",
        "ALTER TABLE item ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY first_only ON item USING (id = 1)",
        f'CREATE ROLE "reader_{newest_case.name}" LOGIN',
        f'GRANT SELECT ON item TO "reader_{newest_case.name}"',
    )
    stream = newest_case.prepare("item")
    control = opened(
        replace(
            stream, source=newest_case.cluster.url(newest_case.name, f"reader_{newest_case.name}")
        )
    )
    with pytest.raises(SourceError, match="row-level security") as raised:
        control.chunk(control.relation("item"), None, 10)
    assert not raised.value.temporary


def test_values_do_not_depend_on_the_defaults_of_the_database(case, opened):
    case.run(
        "CREATE TABLE item (id interval PRIMARY KEY, at timestamptz, on_ date, b bytea, f float8)",
        r"INSERT INTO item VALUES ('1 day 2 hours', '2026-11-24 09:30+02', '2026-11-24', '\x00',"
        " 0.1)",
        *(f'ALTER DATABASE "{case.name}" SET {name} = {value}' for name, value in {
            "datestyle": "'German'", "intervalstyle": "'postgres_verbose'",
            "timezone": "'Asia/Tokyo'", "bytea_output": "'escape'", "extra_float_digits": "-5",
        }.items()),
    )  # fmt: skip
    control = opened(case.prepare("item"))
    relation = control.relation("item")
    row = ("P1DT2H", "2026-11-24 07:30:00+00", "2026-11-24", "AA==", 0.1)
    assert control.chunk(relation, None, 10).rows == [row]
    assert control.chunk(relation, ("P1DT2H",), 10).rows == []


def test_a_database_without_an_encoding(newest, opened, newest_case):
    with psycopg.connect(newest.url(), autocommit=True) as session:
        session.execute(f"CREATE DATABASE \"{newest_case.name}b\" ENCODING 'SQL_ASCII'"
                        " TEMPLATE template0 LOCALE 'C'")  # fmt: skip
    newest_case.name += "b"
    newest_case.url = newest.url(newest_case.name)
    newest_case.run(
        "CREATE TABLE item (id int PRIMARY KEY, name text)",
        r"INSERT INTO item VALUES (1, E'\xff\xfe'), (2, E'\xc3\xa9')",
    )
    control = opened(newest_case.prepare("item"))
    relation = control.relation("item")
    rows = [(1, "\udcff\udcfe"), (2, "é")]
    assert control.chunk(relation, None, 10, "name <> 'ü'").rows == rows
    assert control.rows(relation, [(2,)]).rows == rows[1:]
    assert control.relation("item").columns == relation.columns


def test_a_session_that_is_ended_is_temporary_and_the_next_call_has_a_new_one(newest_case, opened):
    newest_case.run("CREATE TABLE item (id int PRIMARY KEY)")
    control = opened(newest_case.prepare("item"))
    relation = control.relation("item")
    newest_case.run(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE application_name = 'strangler' AND datname = current_database()"
    )
    with pytest.raises(SourceError) as raised:
        control.chunk(relation, None, 10)
    assert raised.value.temporary
    assert control.chunk(relation, None, 10).rows == []


@pytest.mark.parametrize(
    ("url", "temporary"),
    [
        ("postgresql://me:secret@127.0.0.1:1/shop", True),
        ("postgresql://me:secret@127.0.0.1:port/shop", True),
        ("postgresql://me:secret@127.0.0.1/shop?nonsense=1", False),
    ],
)
def test_no_error_tells_the_password(newest_case, opened, url, temporary):
    with pytest.raises(SourceError) as raised:
        opened(a_stream(url, "item")).relation("item")
    assert raised.value.temporary is temporary
    assert "secret" not in f"{raised.value} {raised.value.__cause__}"
