"""Clients of all tempers: quick, slow, and ones that hang up in the middle."""

import asyncio
import itertools
import random
import time
from dataclasses import dataclass, field

from tests.soak.upstream import pattern, read_body

ANSWER_WITHIN = 60.0
BIG = 400_000
PIECE = 8_000


@dataclass(frozen=True)
class Failure:
    """A request that got no good answer, or none."""

    id: str
    method: str
    port: int
    began: float
    ended: float
    reason: str


@dataclass
class Score:
    """What all clients saw."""

    answered: int = 0
    unsafe: set[str] = field(default_factory=set)
    """The ids of all writes that were begun."""
    written: list[str] = field(default_factory=list)
    """Those of the writes that were answered with success."""
    failures: list[Failure] = field(default_factory=list)
    hung_up: int = 0


class Client:
    """One visitor with one connection at a time, that is kept as long as the gateway keeps it."""

    _numbers = itertools.count(1)

    def __init__(self, port: int, score: Score, rng: random.Random) -> None:
        self._port = port
        self._score = score
        self._rng = rng
        self._user = next(self._numbers)
        self._reader: asyncio.StreamReader | None = None
        self.local_port = 0

    async def run(self, over: asyncio.Event) -> None:
        kinds = [self._get, self._post, self._chunked, self._big, self._slow, self._hang_up]
        try:
            while not over.is_set():
                (kind,) = self._rng.choices(kinds, [45, 30, 8, 6, 5, 6])
                await kind()
                if self._rng.random() < 0.05:
                    self._close()
                await asyncio.sleep(self._rng.expovariate(40))
        finally:
            self._close()

    async def _get(self) -> None:
        await self._ask("GET", f"/api/size/{self._rng.randrange(1, 3_000)}")

    async def _big(self) -> None:
        """A large answer, read with pauses at times: back-pressure up to the endpoint."""
        await self._ask("GET", f"/api/size/{BIG}", pause=self._rng.choice([0.0, 0.02]))

    async def _post(self) -> None:
        await self._ask("POST", "/api/orders", pattern(self._rng.randrange(1, 5_000)))

    async def _chunked(self) -> None:
        await self._ask("POST", "/orders", pattern(self._rng.randrange(1, 50_000)), chunked=True)

    async def _slow(self) -> None:
        chunked = self._rng.random() < 0.5
        await self._ask("POST", "/api/orders", pattern(40_000), chunked=chunked, pause=0.1)

    async def _ask(self, method, path, body=b"", *, chunked=False, pause=0.0) -> None:
        name, began = self._name(), time.monotonic()
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._connect()
                await self._send(method, path, name, body, chunked, pause)
                status, answer = await self._answer(pause)
            expected = _expected(method, path, body)
            reason = "" if (status, answer) == (200, expected) else f"{status} {answer[:200]!r}"
        except (OSError, asyncio.IncompleteReadError) as error:
            reason = repr(error)
        if reason:
            ended = time.monotonic()
            failure = Failure(name, method, self.local_port, began, ended, reason)
            self._score.failures.append(failure)
            self._close()
            return
        self._score.answered += 1
        if method == "POST":
            self._score.written.append(name)

    async def _hang_up(self) -> None:
        """Reset in the middle of a body, before the answer, or in the middle of the answer."""
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                await self._connect()
                match self._rng.randrange(3):
                    case 0:
                        head = self._head("POST", "/api/orders", self._name(), "Content-Length: 90")
                        self._writer.write(head + b"half")
                    case 1:
                        self._writer.write(self._head("POST", "/api/orders", self._name(), "A: b"))
                    case 2:
                        self._writer.write(self._head("GET", f"/api/size/{BIG}", self._name()))
                        await self._reader.readexactly(20_000)
                await asyncio.sleep(self._rng.random() * 0.02)
        except (OSError, asyncio.IncompleteReadError):
            pass  # it wanted to leave anyway
        self._score.hung_up += 1
        if self._reader is not None:
            self._writer.transport.abort()
            self._reader = None

    async def _connect(self) -> None:
        """Go on with the connection, unless the gateway has ended it meanwhile."""
        if self._reader is None or self._reader.at_eof() or self._writer.is_closing():
            self._close()
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
            self.local_port = self._writer.get_extra_info("sockname")[1]

    def _close(self) -> None:
        if self._reader is not None:
            self._writer.close()
            self._reader = None

    def _name(self) -> str:
        return f"{self._user}-{next(self._numbers)}"

    def _head(self, method: str, path: str, name: str, *fields: str) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", "Host: shop", f"X-User: {self._user}"]
        if method == "POST":
            self._score.unsafe.add(name)
        return "\r\n".join([*lines, f"X-Id: {name}", *fields, "", ""]).encode()

    async def _send(self, method, path, name, body, chunked, pause) -> None:
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
        self._writer.write(self._head(method, path, name, *([framing] if body else [])))
        for start in range(0, len(body), PIECE):
            piece = body[start : start + PIECE]
            self._writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
            await self._writer.drain()
            if pause:
                await asyncio.sleep(pause)
        if chunked:
            self._writer.write(b"0\r\n\r\n")

    async def _answer(self, pause: float) -> tuple[int, bytes]:
        head = await self._reader.readuntil(b"\r\n\r\n")
        if pause:
            await asyncio.sleep(pause * 10)
        body = await read_body(head, self._reader)
        if b"connection: close" in head.lower():
            self._close()
        return int(head.split(b" ", 2)[1]), body


def _expected(method: str, path: str, body: bytes) -> bytes:
    if method == "POST":
        return f"POST {len(body)}".encode()
    return pattern(int(path.rsplit("/", 1)[1]))
