"""pg_recvlogical with pgoutput, to a file: what PostgreSQL gives to whoever only stores it."""

from __future__ import annotations

import re
import struct
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from bench import procfs
from bench.relay.checksum import COLUMNS, WrongAnswerError
from bench.relay.rows import TABLE
from bench.relay.servers import PROGRAMS, launch
from bench.relay.topics import NothingComesError

NAME = "pg_recvlogical"
_SLOT = _PUBLICATION = "recvlogical"


@dataclass(frozen=True, slots=True)
class RecvLogical:
    """Its slot, and a file for what comes."""

    source: str
    folder: Path
    name: str = NAME

    def prepare(self) -> None:
        """Publication and slot; the file is empty."""
        self.folder.mkdir()
        with psycopg.connect(self.source, autocommit=True) as connection:
            connection.execute(f"CREATE PUBLICATION {_PUBLICATION} FOR TABLE {TABLE}".encode())
            connection.execute(f"SELECT pg_create_logical_replication_slot('{_SLOT}', 'pgoutput')"
                               .encode())  # fmt: skip

    @staticmethod
    def version() -> str:
        done = subprocess.run(
            [PROGRAMS / NAME, "--version"], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def measure(self, first: int, rows: int, within: float) -> dict[str, float]:
        """Read what is in the log up to now. Raises `WrongAnswerError`, `NothingComesError`."""
        with psycopg.connect(self.source, autocommit=True) as connection:
            row = connection.execute("SELECT pg_current_wal_flush_lsn()::text").fetchone()
            oid = connection.execute(f"SELECT '{TABLE}'::regclass::oid::int8".encode()).fetchone()
        assert row is not None
        assert oid is not None
        file = self.folder / "changes"
        file.unlink(missing_ok=True)
        command = [
            PROGRAMS / NAME, "--start", "--slot", _SLOT, "--file", file, "--endpos", row[0],
            "--no-loop", "--fsync-interval", "0", "--option", "proto_version=1",
            "--option", f"publication_names={_PUBLICATION}", "--dbname", self.source,
        ]  # fmt: skip
        with launch(NAME, command, self.folder) as child:
            begun, ended, cpu = _watch(child.pid, file, within)
        check(file.read_bytes(), oid[0], first, rows)
        return {"rate": rows / (ended - begun), "cpu_us": cpu / rows}


def _watch(pid: int, file: Path, within: float) -> tuple[float, float, float]:
    """When the file got its first and its last bytes, and the CPU time used."""
    begun = ended = cpu = 0.0
    size, deadline = 0, time.monotonic() + within
    while procfs.alive(pid):
        now = time.monotonic()
        if now > deadline:
            raise NothingComesError(f"{NAME} does not end within {within:.0f} s")
        grown = file.stat().st_size if file.exists() else 0
        cpu = procfs.cpu_us([pid]) or cpu
        if grown > size:
            begun, ended, size = begun or now, now, grown
        time.sleep(0.002)
    return begun, ended, cpu


def check(data: bytes, oid: int, first: int, rows: int) -> None:
    """Every row must be there once: its number is the first column."""
    head = re.escape(b"I" + struct.pack("!I", oid) + b"N" + struct.pack("!h", len(COLUMNS)))
    found = [int(each) for each in re.findall(head + rb"t\0\0\0.(\d+)t", data, re.DOTALL)]
    if sorted(found) != list(range(first, first + rows)):
        raise WrongAnswerError(f"{len(found)} rows came instead of {rows}, or others")
