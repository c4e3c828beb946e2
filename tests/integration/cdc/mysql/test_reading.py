"""Transactions of a real MariaDB, read through the child process."""

from cdc.change import Begin, Change, Commit
from tests.integration.cdc.mysql.reading import rows, transactions


def test_a_transaction_is_read_with_its_limits_and_its_rows(case):
    case.run("CREATE TABLE t (id INT PRIMARY KEY, name VARCHAR(20))")
    start = case.source.start(None)
    case.run("BEGIN", "INSERT INTO t VALUES (1, 'a'), (2, NULL)", "UPDATE t SET name = 'b'",
             "DELETE FROM t WHERE id = 2", "COMMIT")  # fmt: skip
    events = case.commits()
    assert [type(event) for event in events] == [Begin, *[Change] * 5, Commit]
    assert rows(events) == [
        ("c", None, (1, "a")),
        ("c", None, (2, None)),
        ("u", (1, "a"), (1, "b")),
        ("u", (2, None), (2, "b")),
        ("d", (2, "b"), None),
    ]
    ((begin, changes, commit),) = transactions(events)
    assert start <= begin.position < commit.resume
    assert begin.xid == commit.gtid
    assert begin.origin is None
    columns = changes[0].relation.columns
    assert [(c.name, c.kind, c.type, c.key) for c in columns] == [
        ("id", "integer", "int", True),
        ("name", "text", "varchar(20)", False),
    ]
