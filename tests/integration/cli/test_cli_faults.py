"""What stands around the gateway fails while it serves: workers, the store, the disk, the log."""

import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import time

import psutil
import pytest

from strangler.admin.gateway import LEASE_SECONDS


def serves(shop) -> bool:
    return shop.get(shop.ports["listen"], "/x") == "hello from the monolith"


def told(shop) -> dict:
    return json.loads(shop.get(shop.ports["admin"], "/api/status"))


def test_a_worker_that_stands_still_is_late_and_not_a_refusal(shop, eventually):
    gateway = served(shop, eventually, "--workers", "2")
    worker = psutil.Process(gateway.pid).children()[0]
    worker.suspend()
    try:
        late = shop.run("canary", "reviews", "5", "--wait", "0.5", code=4)
        assert "have not reported it" in " ".join(late.stderr.split())
        eventually(lambda: "worker_late" in shop.log(), shop.log)
        status = told(shop)
        assert status["refusal"] is None
        assert sorted(each["version"] for each in status["workers"]) == [1, 2]
        assert max(each["silent"] for each in status["workers"]) > 5
        assert "silent for" in shop.run("status").stdout
    finally:
        worker.resume()
    eventually(lambda: {each["version"] for each in told(shop)["workers"]} == {2}, shop.log)
    assert "reload_refused" not in shop.log()


def served(shop, eventually, *words: str) -> subprocess.Popen:
    """A gateway that is in the store."""
    gateway = shop.serve(*words)
    eventually(lambda: any(each["current"] for each in told(shop)["replicas"]), shop.log)
    return gateway


@pytest.fixture
def store(shop):
    return shop.folder / ".strangler" / "store.sqlite3"


def test_a_locked_store_delays_changes_and_nothing_else(shop, store, eventually):
    gateway = served(shop, eventually)
    with sqlite3.connect(store, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        assert serves(shop)
        os.kill(gateway.pid, signal.SIGTERM)
        began = time.monotonic()
        eventually(lambda: "replica_not_removed" in shop.log(), shop.log)
        assert time.monotonic() - began < 10
        other.execute("ROLLBACK")
    assert gateway.wait(30) == 0
    assert "Traceback" not in shop.log()


def test_a_store_that_turns_to_junk_is_said_and_serving_goes_on(shop, store, eventually):
    gateway = served(shop, eventually)
    for path in store.parent.iterdir():
        path.write_bytes(b"junk" * 5000)
    eventually(lambda: "file is not a database" in shop.log(), shop.log)
    assert serves(shop)
    assert shop.stop(gateway) == 0
    assert "Traceback" not in shop.log()


def test_a_store_that_is_deleted_is_said_and_serving_goes_on(shop, store, eventually):
    gateway = served(shop, eventually)
    for path in store.parent.iterdir():
        path.unlink()
    eventually(lambda: "its file was deleted" in shop.log(), shop.log)
    assert serves(shop)
    assert not store.exists()
    assert shop.stop(gateway) == 0


def test_a_store_that_was_replaced_by_an_older_one_is_shown(shop, store, eventually):
    served(shop, eventually)
    shop.run("canary", "reviews", "5")
    other = shop.folder / "other"
    other.mkdir()
    (other / "routes.yaml").write_text(shop.text.replace(f":{shop.ports['admin']}", ":1"))
    shop.run("apply", "--routes", "other/routes.yaml")
    for path in store.parent.iterdir():
        path.unlink()
    for path in (other / ".strangler").iterdir():
        path.rename(store.parent / path.name)
    eventually(lambda: "was it replaced" in str(told(shop)["refusal"]), shop.log)
    assert serves(shop)


def last_renewal(store) -> float:
    with contextlib.closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT max(seen_at) FROM strangler_replicas").fetchone()[0]


def test_a_full_disk_stops_changes_until_there_is_room(shop, store, eventually):
    gateway = served(shop, eventually)
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    failed = shop.run("canary", "reviews", "5", code=5).stderr
    assert "store" in failed
    # A renewal of the lease falls into this, and its log line is lost.
    eventually(lambda: time.time() > last_renewal(store) + LEASE_SECONDS / 3 + 0.5)
    assert serves(shop)
    assert gateway.poll() is None
    resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
    shop.run("canary", "reviews", "5")
    assert shop.stop(gateway) == 0
    assert "Traceback" not in shop.log()


def test_a_log_that_nobody_reads_any_more_stops_nothing(shop, eventually):
    gateway = subprocess.Popen(
        shop.command("serve", "--workers", "1"), cwd=shop.folder, env=shop.env(),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        eventually(lambda: shop.answers("/readyz"))
        gateway.stderr.close()
        shop.run("canary", "reviews", "5")
        os.kill(gateway.pid, signal.SIGHUP)
        assert serves(shop)
    finally:
        gateway.send_signal(signal.SIGTERM)
        code = gateway.wait(30)
    assert code == 0
