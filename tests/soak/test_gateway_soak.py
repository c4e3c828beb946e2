"""Three minutes of everything at once on the real gateway: nothing lost, doubled or left behind.

`SOAK_SECONDS` makes it longer, `SOAK_SEED` repeats the choices of a run (not its timing).
"""

import asyncio
import contextlib
import os
import random
import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.gateway import Gateway
from tests.soak.clients import Client, Failure, Score
from tests.soak.events import Events
from tests.soak.upstream import Endpoint

SECONDS = float(os.environ.get("SOAK_SECONDS", "180"))
SEED = int(os.environ.get("SOAK_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
CLIENTS = 24
GROWTH = 8 * 1024 * 1024
"""Bytes of resident memory that a process may gain in the last third."""
MOMENT = 2.0
"""Seconds after an end in which somebody may still be on the way to what ended."""
GAUGES = ("connections", "requests_in_flight", "upstream_connections", "tunnels")

TABLE = """\
upstreams:
  legacy: {{endpoints: ["http://127.0.0.1:{legacy}"]}}
  fresh:
    endpoints: ["http://127.0.0.1:{first}", "http://127.0.0.1:{second}"]
    health: {{path: /readyz, interval: 500ms}}
default: legacy
routes:
  - name: api
    group: api
    match: {{prefix: /api}}
    identity: ["header:X-User"]
    split: {{fresh: 50, legacy: 50}}
"""


def gauges(gateway: Gateway) -> dict[str, float]:
    """The sum of each gauge that must come back to 0."""
    url = f"http://127.0.0.1:{gateway.admin}/metrics"
    with urllib.request.urlopen(url, timeout=10) as answer:
        page = answer.read().decode()
    found: Counter[str] = Counter(dict.fromkeys(GAUGES, 0))
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            name = sample.name.removeprefix("strangler_")
            if name in GAUGES:
                found[name] += sample.value
    return dict(found)


def processes(gateway: Gateway) -> list[psutil.Process]:
    """The supervisor and its workers."""
    return [psutil.Process(pid) for pid in (gateway.process.pid, *gateway.workers())]


def resident(gateway: Gateway) -> dict[int, int]:
    return {each.pid: each.memory_info().rss for each in processes(gateway)}


def descriptors(gateway: Gateway) -> list[Counter[str]]:
    """What each process has open, by name; of its store it has as many files as it likes."""
    return [Counter(opened(each.pid)) for each in processes(gateway)]


def opened(pid: int) -> Iterator[str]:
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            name = re.sub(r"\d+", "N", str(link.readlink()))
            if "store.sqlite" not in name:
                yield name


async def settled(read, gateway: Gateway, wanted):
    """What `read` says once it is what is wanted, or as it is after half a minute."""
    for _ in range(150):
        if await asyncio.to_thread(read, gateway) == wanted:
            break
        await asyncio.sleep(0.2)
    return await asyncio.to_thread(read, gateway)


def excused(failure: Failure, events: Events) -> bool:
    """Whether it was on a killed worker's connection, or met the end of an endpoint."""
    # A client learns of its connection's end a moment later; long afterwards the port is another's.
    killed = (each for each in events.killed if failure.port in each.ports)
    if any(failure.began <= each.at + MOMENT for each in killed):
        return True
    ends = [at for endpoint in events.endpoints for at in endpoint.ends]
    return any(failure.began - MOMENT <= at <= failure.ended for at in ends)


@pytest.mark.soak
async def test_a_bad_hour_leaves_no_trace(tmp_path):
    print(f"SOAK_SEED={SEED}")
    rng, seen, score, over = random.Random(SEED), Counter(), Score(), asyncio.Event()
    legacy, first, second = endpoints = [Endpoint(seen) for _ in range(3)]
    for endpoint in endpoints:
        await endpoint.start()
    ports = {"legacy": legacy.port, "first": first.port, "second": second.port}
    gateway = await asyncio.to_thread(Gateway, tmp_path, TABLE.format(**ports), 2)
    try:
        events = Events(gateway, [first, second], rng)
        await events.reload()  # by now the file is watched
        fresh = await asyncio.to_thread(descriptors, gateway)
        async with asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                client = Client(gateway.port, score, random.Random(rng.random()))
                group.create_task(client.run(over))
            await events.play(SECONDS * 2 / 3, restarts=True)
            await events.play(SECONDS / 12, restarts=False)
            before = await asyncio.to_thread(resident, gateway)
            await events.play(SECONDS / 4, restarts=False)
            after = await asyncio.to_thread(resident, gateway)
            over.set()
        report(score, events, before, after)
        assert [each for each in score.failures if not excused(each, events)] == []
        assert wrong_writes(score, seen) == {}
        assert before.keys() == after.keys()
        assert [pid for pid in after if after[pid] > before[pid] + GROWTH] == []
        for endpoint in endpoints:
            endpoint.die()  # or the pools would keep what is idle for a minute
        nothing = dict.fromkeys(GAUGES, 0)
        assert await settled(gauges, gateway, nothing) == nothing
        assert await settled(descriptors, gateway, fresh) == fresh
    finally:
        await asyncio.to_thread(gateway.close)
        for endpoint in endpoints:
            endpoint.die()


def wrong_writes(score: Score, seen: Counter[str]) -> dict[str, int]:
    """Writes that reached an endpoint twice, or never though they were answered with success.

    Also of those that failed and of clients that hung up: nothing unsafe is ever sent twice.
    """
    twice = {name: count for name, count in seen.items() if count > 1 and name in score.unsafe}
    never = {name: 0 for name in score.written if not seen[name]}
    return twice | never


def report(score: Score, events: Events, before: dict[int, int], after: dict[int, int]) -> None:
    print(f"{score.answered} answered, {score.hung_up} hung up, {len(score.failures)} failed")
    print(dict(Counter(events.played)))
    print({pid: f"{before.get(pid, 0) >> 10} to {size >> 10} KiB" for pid, size in after.items()})
    print(*score.failures, sep="\n")
