"""Three gateways on one PostgreSQL store: one dies, then the store itself stands still."""

from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from support.databases import postgres


@pytest.fixture
def server():
    with postgres() as found:
        yield found


def test_a_dead_gateway_is_forgotten_and_a_store_that_stands_still_is_waited_for(
    shop, server, eventually, free_port
):
    env = {"STRANGLER_STORE": server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)}
    shop.serve(**env)
    others = [
        shop.serve("--listen", f"127.0.0.1:{free_port()}", "--admin", f"127.0.0.1:{free_port()}",
                   ready=False, **env)
        for _ in range(2)
    ]  # fmt: skip
    eventually(lambda: len(shop.json("status")["replicas"]) == 3, shop.log)
    assert len(shop.json("canary", "reviews", "5")["replicas"]) == 3

    others[0].kill()
    others[0].wait(10)
    eventually(lambda: len(shop.json("status")["replicas"]) == 2, shop.log)
    assert len(shop.json("canary", "reviews", "6")["replicas"]) == 2

    postmaster = psutil.Process(server.get_pid())
    stopped = [postmaster, *postmaster.children(recursive=True)]
    for process in stopped:
        process.suspend()
    try:
        eventually(lambda: "lease_renewal_failed" in shop.log(), shop.log)
        assert shop.get(shop.ports["listen"], "/x") == "hello from the monolith"
        assert shop.answers("/readyz")
        assert "strangler_lease_remaining_seconds" in shop.get(shop.ports["admin"], "/metrics")
    finally:
        for process in stopped:
            process.resume()
    assert len(shop.json("canary", "reviews", "7")["replicas"]) == 2
    assert "Traceback" not in shop.log()


def test_of_many_changes_at_once_each_is_made_on_the_one_before_or_told_who_was_quicker(
    shop, server
):
    env = {"STRANGLER_STORE": server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)}
    shop.run("apply", env=env)

    def canary(percent: int):
        words = ("canary", "reviews", str(percent), "--reason", f"change {percent}")
        return shop.tried(*words, env=env)

    with ThreadPoolExecutor(6) as threads:
        done = list(threads.map(canary, range(1, 7)))
    quicker = [each for each in done if each.returncode == 0]
    assert quicker
    for late in (each for each in done if each.returncode):
        assert late.returncode == 3
        assert " made version " in " ".join(late.stderr.split())
    history = shop.json("history", env=env)
    assert [each["number"] for each in history] == [*range(len(quicker) + 1, 0, -1)]
