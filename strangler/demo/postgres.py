"""PostgreSQL from the wheel: initialised once, started on a Unix socket only.

The wheel's own `get_server` is not used: it leaves no moment between initialising and starting for
settings, and as root it creates a user and opens folders to everybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from strangler.demo import process
from strangler.demo.account import Account
from strangler.demo.process import Program, Running

USER = "shop"
# What the relay will need from the source, and what a laptop can spare.
SETTINGS = """
# Written by `strangler demo`.
listen_addresses = ''
unix_socket_permissions = 0700
wal_level = logical
max_wal_senders = 10
max_replication_slots = 10
max_connections = 100
shared_buffers = 64MB
"""
_LONGEST_SOCKET = 107
"""Bytes of a Unix socket's path on Linux."""
_PREDECESSOR_WITHIN = 15.0


@dataclass(frozen=True)
class Postgres:
    """One cluster of the demo."""

    account: Account
    logs: Path

    async def initialise(self) -> None:
        """Make the cluster if there is none; a broken attempt is never taken for one."""
        data, unfinished = self.account.data, self.account.data.with_suffix(".unfinished")
        if data.exists():
            return
        shutil.rmtree(unfinished, ignore_errors=True)
        self.account.own(unfinished)
        await process.complete(
            self._program(
                "PostgreSQL's initdb", "initdb", "--pgdata", str(unfinished), "--username", USER,
                "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C",
                "--builtin-locale=C.UTF-8", "--no-instructions", "--no-sync",
            )
        )  # fmt: skip
        with (unfinished / "postgresql.conf").open("a", encoding="utf-8") as file:
            file.write(SETTINGS)
        unfinished.rename(data)

    async def start(self, sockets: Path) -> Running:
        """Start the server with its socket in a folder of the account's."""
        await self._predecessor_gone()
        return await process.start(
            self._program(
                "PostgreSQL", "postgres", "-D", str(self.account.data), "-k", str(sockets)
            )
        )

    def _program(self, name: str, binary: str, *options: str) -> Program:
        return Program(
            name=name,
            command=(str(self.account.programs / "bin" / binary), *options),
            cwd=self.account.data.parent,
            log=self.logs / f"{binary}.log",
            env={"LC_ALL": "C", "TZ": "UTC"},
            stop=signal.SIGINT,  # PostgreSQL's "fast": ends sessions, writes a checkpoint
            user=self.account.user,
        )

    async def _predecessor_gone(self) -> None:
        """Wait while the server of a demo that was killed still writes its last checkpoint."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_PREDECESSOR_WITHIN):
                while _serves(self.account.data):  # noqa: ASYNC110 - it is not our child
                    await asyncio.sleep(0.05)


def _serves(data: Path) -> bool:
    """Whether a PostgreSQL process holds the cluster."""
    try:
        number = int((data / "postmaster.pid").read_text("ascii").split(maxsplit=1)[0])
        return Path(f"/proc/{number}/comm").read_text("ascii").strip() == "postgres"
    except (OSError, ValueError, IndexError):
        return False


def sockets_of(account: Account) -> Path:
    """The folder of the server's socket: the data's, or a short one where that path is too long."""
    if len(os.fsencode(account.data / ".s.PGSQL.5432.lock")) <= _LONGEST_SOCKET:
        return account.data
    short = Path(tempfile.mkdtemp(prefix="strangler-"))
    short.rmdir()
    account.own(short)
    return short


def url(sockets: Path, database: str) -> str:
    """A database's address, as the shop and its services read it."""
    return f"postgresql://{USER}@{quote(str(sockets), safe='')}/{database}"


async def answers(sockets: Path) -> bool:
    """Whether the server takes sessions."""
    try:
        async with await _session(sockets):
            return True
    except psycopg.OperationalError:
        return False


async def create_databases(sockets: Path, *names: str) -> None:
    """Create the databases that are not there yet."""
    async with await _session(sockets) as session:
        found = {row[0] for row in await (await session.execute(
            "SELECT datname FROM pg_database")).fetchall()}  # fmt: skip
        for name in names:
            if name not in found:
                await session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))


async def _session(sockets: Path) -> psycopg.AsyncConnection:
    return await psycopg.AsyncConnection.connect(
        host=str(sockets), user=USER, dbname="postgres", autocommit=True
    )
