"""Two gateways, as on two hosts, on one PostgreSQL store."""

import pytest
from support.databases import postgres
from support.shared import new_database, shared_postgres, store_url


@pytest.fixture(scope="module")
def shared_store():
    with shared_postgres(postgres) as server:
        yield store_url(new_database(server, "store"))


def test_a_change_is_done_when_every_replica_serves_it(shop, shared_store, eventually, free_port):
    env = {"STRANGLER_STORE": shared_store}
    shop.serve(**env)
    second = ("--listen", f"127.0.0.1:{free_port()}", "--admin", f"127.0.0.1:{free_port()}")
    gateway = shop.serve(*second, ready=False, **env)
    eventually(lambda: len(shop.json("status")["replicas"]) == 2, shop.log)

    answer = shop.json("canary", "reviews", "5")
    assert [each["current"] for each in answer["replicas"]] == [True, True]

    # Nobody watches a file where hosts share the store: this edit waits for `apply`.
    shop.replaced(("version: 2", "version: 3"), ("/feed.xml", "/feed"))
    gateway.kill()
    gateway.wait(10)
    late = shop.run("canary", "reviews", "6", "--wait", "0.3", code=4).stderr
    assert "have not reported it" in " ".join(late.split())
    newest = shop.json("history", "--limit", "1")[0]
    assert (newest["number"], newest["source"]) == (3, "canary")
    assert "version: 4\n" in shop.file.read_text()
