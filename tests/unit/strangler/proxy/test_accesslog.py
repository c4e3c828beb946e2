import asyncio
import json
import os
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from strangler.config import model
from strangler.proxy import accesslog
from strangler.proxy.accesslog import AccessLog


def request(number: int = 0, status: int = 200):
    return SimpleNamespace(
        method=b"GET", path=b"/%d" % number, has_query=False, http10=False, status=status,
        bytes_in=0, bytes_out=0, request_id=b"%d" % number, traceparent=b"", refusal=None,
        client=SimpleNamespace(address_of=lambda _: b"192.0.2.7"),
    )  # fmt: skip


def opened(path: Path, dropped=lambda _: None, sample: float = 1.0) -> AccessLog:
    log = AccessLog(asyncio.get_running_loop(), dropped)
    log.configure(model.AccessLog(path=str(path), sample=sample))
    return log


def targets(path: Path) -> list[str]:
    return [json.loads(line)["target"] for line in path.read_text().splitlines()]


async def test_lines_appear_soon_and_in_order_without_being_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = opened(path)
    for number in range(5):
        log.log_request(request(number), 1)
    while not path.exists() or len(path.read_text().splitlines()) < 5:
        await asyncio.sleep(0.01)
    assert targets(path) == [f"/{number}" for number in range(5)]
    log.close()


async def test_closing_writes_what_waits(tmp_path: Path) -> None:
    log = opened(tmp_path / "access.log")
    log.log_request(request(1), 1)
    log.close()
    assert targets(tmp_path / "access.log") == ["/1"]


async def test_after_a_rotation_lines_go_to_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    log = opened(path)
    log.log_request(request(1), 1)
    log.flush()
    while not path.exists() or not path.read_text():
        await asyncio.sleep(0.01)
    path.rename(tmp_path / "access.log.1")
    log.log_request(request(2), 1)
    log.reopen()
    log.log_request(request(3), 1)
    log.close()
    assert targets(tmp_path / "access.log.1") == ["/1", "/2"]
    assert targets(path) == ["/3"]


async def test_a_slow_disk_costs_lines_and_never_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    dropped: list[int] = []
    monkeypatch.setattr(accesslog, "MAX_WAITING", 4000)
    log = opened(fifo, dropped.append)  # opening a pipe waits for its reader
    for number in range(100):
        log.log_request(request(number), 1)
        log.flush()
    assert 70 < sum(dropped) < 100
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(fifo.read_bytes()))
    reader.start()
    await asyncio.to_thread(log.close)
    reader.join()
    assert read[0].count(b"\n") == 100 - sum(dropped)


async def test_lines_that_cannot_be_written_are_counted(tmp_path: Path) -> None:
    dropped: list[int] = []
    log = opened(tmp_path / "missing" / "access.log", dropped.append)
    log.log_request(request(1), 1)
    log.flush()
    log.log_request(request(2), 1)
    log.close()
    assert sum(dropped) == 2


async def test_the_settings_can_change_and_be_off(tmp_path: Path) -> None:
    log = opened(tmp_path / "access.log")
    assert log.on
    log.log_request(request(1), 1)
    log.configure(model.AccessLog(format=model.LogFormat.OFF))
    assert not log.on
    log.log_request(request(2), 1)
    log.configure(model.AccessLog(path=str(tmp_path / "errors.log"), sample=0.0))
    log.log_request(request(3), 1)
    log.log_request(request(4, status=503), 1)
    log.close()
    assert targets(tmp_path / "errors.log") == ["/4"]
    while not (tmp_path / "access.log").exists() or not targets(tmp_path / "access.log"):
        await asyncio.sleep(0.01)  # the loop did not wait for the thread before
    assert targets(tmp_path / "access.log") == ["/1"]
