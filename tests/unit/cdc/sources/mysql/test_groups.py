"""Groups of events as MySQL writes them, which no server here does: bytes in, messages out."""

from __future__ import annotations

import contextlib
import struct

import pytest

from cdc.sources.mysql import messages
from cdc.sources.mysql.groups import Groups
from cdc.sources.mysql.positions import PositionError, pack
from cdc.sources.mysql.steps import LogError, Walker
from cdc.sources.mysql.tables import Scope
from cdc.sources.mysql.wire import Type

SCOPE = Scope("db", {("db", "t"): ("t", ())}, {45: ("utf8mb4", 4)}, mariadb=False)
AT = 1_700_000_000


class Log:
    """A binlog in memory: events with the headers that a server gives them."""

    def __init__(self, end: int = 4) -> None:
        self.events: list[tuple[int, bytes]] = []
        self.end = end

    def add(self, kind: int, body: bytes) -> Log:
        start, size = self.end, 19 + len(body)
        self.end += size
        head = struct.pack("<IBIIIH", AT, kind, 1, size, self.end & 0xFFFFFFFF, 0)
        self.events.append((start, head + body))
        return self

    def described(self) -> Log:
        """A format description without checksums; its own four bytes are there in any case."""
        return self.add(Type.FORMAT_DESCRIPTION, bytes(57 + 40) + b"\0" + bytes(4))

    def gtid(self, number: int) -> Log:
        micros = (AT * 1_000_000 + 123_000).to_bytes(7, "little")
        body = b"\1" + bytes(range(16)) + struct.pack("<Q", number) + b"\2" + bytes(16) + micros
        return self.add(Type.GTID, body)

    def query(self, sql: str) -> Log:
        return self.add(Type.QUERY, struct.pack("<IIBHH", 1, 0, 2, 0, 0) + b"db\0" + sql.encode())

    def row(self, number: int, kind: int = Type.WRITE_ROWS_V2, header: bytes = b"") -> Log:
        """A table map of `t(id INT PRIMARY KEY)` and one row of it."""
        tags = b"\x01\x01\x00" + b"\x04\x03\x02id" + b"\x08\x01\x00"
        table = struct.pack("<Q", 7)[:6] + b"\1\0" + b"\2db\0" + b"\1t\0" + b"\1\x03\0\0" + tags
        self.add(Type.TABLE_MAP, table)
        more = header or struct.pack("<H", 2)
        body = struct.pack("<Q", 7)[:6] + b"\1\0" + more + b"\1\xff" + b"\0"
        return self.add(kind, body + struct.pack("<i", number))

    def xid(self) -> Log:
        return self.add(Type.XID, struct.pack("<Q", 5))

    def prepare(self, *, one_phase: bool) -> Log:
        body = bytes([one_phase]) + struct.pack("<III", 1, 1, 0) + b"x"
        return self.add(Type.XA_PREPARE, body)

    @contextlib.contextmanager
    def again(self, position: int):
        """The format description, then what stands from a position on."""
        later = (event for start, event in self.events if start >= position & 0xFFFFFFFF)
        made_up = Log().described().events[0][1]
        yield iter([made_up[:13] + bytes(4) + made_up[17:], *later])


class Again:
    def __init__(self, log: Log) -> None:
        self.log = log

    def events(self, position):
        return self.log.again(position)

    def oldest(self):
        return pack(1, 4)

    def natives(self, schema, name):
        raise AssertionError("only for binary columns of MariaDB")


def read(log: Log, held_at_most: int = 1 << 20, offset: int = 4):
    """The messages of a log, shapes left out."""
    out: list = []
    groups = Groups(SCOPE, Walker("binlog", 1, offset, mariadb=False), out.append, Again(log),
                    held_at_most)  # fmt: skip
    for _, event in log.events:
        groups.feed(event)
    groups.idle()
    return [message for message in out if message[0] != messages.SHAPE]


def changed(found) -> list[int]:
    return [message[4][0] for message in found if message[0] == messages.CHANGE]


def test_a_transaction_of_mysql():
    log = Log().described().gtid(9).query("BEGIN").row(1).row(-2).xid()
    begin, _, _, commit = read(log)
    name = "00010203-0405-0607-0809-0a0b0c0d0e0f:9"
    assert begin == (messages.BEGIN, pack(1, log.events[1][0]), name, AT * 1000 + 123, None)
    assert commit == (messages.COMMIT, pack(1, log.end), name)
    assert changed(read(log)) == [1, -2]


def test_ddl_is_a_group_without_a_commit():
    log = Log().described().gtid(1).query("CREATE TABLE t (id INT)").gtid(2).query("BEGIN").row(3)
    begin, change, commit = read(log.xid())
    assert (begin[2][-2:], change[4], commit[2][-2:]) == (":2", (3,), ":2")


@pytest.mark.parametrize("held", [1, 1 << 20], ids=["read ahead", "held"])
def test_savepoints_and_rollbacks(held):
    log = Log().described().gtid(1).query("BEGIN").row(1).query("SAVEPOINT a").row(2)
    log.query("ROLLBACK TO a").row(3).query("COMMIT")
    log.gtid(2).query("BEGIN").row(4).query("ROLLBACK")
    assert changed(read(log, held)) == [1, 3]


@pytest.mark.parametrize("held", [1, 1 << 20], ids=["read ahead", "held"])
def test_xa_of_mysql(held):
    log = Log().described()
    log.gtid(1).query("XA START X'78',X'',1").row(1).query("XA END X'78',X'',1")
    log.prepare(one_phase=False)
    assert read(log, held) == [(messages.REACHED, pack(1, log.end))]
    log.gtid(2).query("BEGIN").row(2).xid()
    log.gtid(3).query("XA COMMIT X'78',X'',1")
    found = read(log, held)
    assert changed(found) == [2, 1]
    assert [m[2][-1] for m in found if m[0] == messages.BEGIN] == ["2", "3"]
    log.gtid(4).query("XA START X'78',X'',1").row(5).query("XA END X'78',X'',1")
    log.prepare(one_phase=True)
    assert changed(read(log, held)) == [2, 1, 5]


def test_xa_that_was_prepared_in_a_log_that_is_gone():
    log = Log().described().gtid(3).query("XA COMMIT X'99',X'',1")
    with pytest.raises(LogError, match=r"XA transaction x'99',x'',1.*gone"):
        read(log)


@pytest.mark.parametrize("held", [1, 1 << 20], ids=["read ahead", "held"])
def test_a_group_that_a_crash_cut_off(held):
    log = Log().described().gtid(1).query("BEGIN").row(1).row(2)
    log.described().gtid(2).query("BEGIN").row(3).xid()
    assert changed(read(log, held)) == [3]


def test_partitions_data_in_the_header_is_stepped_over():
    log = Log().described().query("BEGIN").row(6, header=struct.pack("<HBH", 5, 1, 3)).xid()
    assert changed(read(log)) == [6]


@pytest.mark.parametrize("kind", [Type.TRANSACTION_PAYLOAD, Type.PARTIAL_UPDATE_ROWS])
def test_what_cannot_be_read_is_refused(kind):
    with pytest.raises(LogError, match="cannot be read"):
        read(Log().described().gtid(1).query("BEGIN").add(kind, bytes(20)))


def test_a_file_past_four_gibibytes_is_refused():
    log = Log(2**32 - 200).described().gtid(1).query("BEGIN").row(1)
    with pytest.raises(PositionError, match="4 GiB"):
        read(log.xid(), offset=2**32 - 200)


def test_a_transaction_that_is_not_the_streams_only_advances():
    log = Log().described().gtid(1).query("BEGIN")
    log.add(Type.TABLE_MAP, struct.pack("<Q", 8)[:6] + b"\1\0" + b"\2db\0\1u\0\1\x03\0\0")
    log.add(Type.WRITE_ROWS_V2, struct.pack("<Q", 8)[:6] + b"\1\0\2\0\1\xff\0\0\0\0\0").xid()
    assert read(log) == [(messages.REACHED, pack(1, log.end))]
