"""What every store must do, asked of the ones on SQLite and PostgreSQL and of the fake."""

import subprocess
import sys
import threading
from dataclasses import replace

import pytest
from support.databases import postgres
from support.shared import new_database, shared_postgres, store_url

from strangler.config.model import Fence
from strangler.rollout.versions import (
    ConflictError,
    Proposal,
    Replica,
    Source,
    TransitionOpenError,
    VersionStore,
)
from strangler.store import open_store
from strangler.testing import MemoryStore


@pytest.fixture(scope="session")
def postgres_server():
    with shared_postgres(postgres) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres", "memory"])
def make(request, tmp_path):
    """Opens the same store again and again, as several processes would."""
    kind = request.param
    opened = []
    if kind == "memory":
        memory = MemoryStore()
        yield lambda: memory
        return
    url = f"sqlite:///{tmp_path}/store.sqlite3"
    if kind == "postgres":
        url = store_url(new_database(request.getfixturevalue("postgres_server"), "store"))

    def another():
        opened.append(open_store(url))
        return opened[-1]

    another.url = url
    yield another
    for store in opened:
        store.close()


@pytest.fixture
def store(make) -> VersionStore:
    return make()


def proposal(number: int, **changes) -> Proposal:
    base = Proposal(number, f"version: {number}\n", "ada", Source.APPLY, "why", "what")
    return replace(base, **changes)


def test_an_empty_store_has_no_version(store):
    assert store.newest() is None
    assert store.number() == 0
    assert store.version(1) is None
    assert list(store.history()) == []


def test_what_is_committed_is_newest(store):
    committed = store.commit(proposal(12, text="version: 12  # é\n"), expected=0)
    assert store.newest() == committed
    assert store.number() == 12
    assert (committed.number, committed.author, committed.reason) == (12, "ada", "why")
    assert committed.source is Source.APPLY
    assert committed.created_at > 1_600_000_000


def test_history_is_newest_first_and_pages(store):
    for number in (1, 2, 5):
        store.commit(proposal(number), expected=store.newest().number if store.newest() else 0)
    assert [version.number for version in store.history()] == [5, 2, 1]
    assert [version.number for version in store.history(limit=1, before=5)] == [2]
    assert store.version(2).text == "version: 2\n"


def test_a_conflict_names_the_other_author_and_reason_and_writes_nothing(store):
    store.commit(proposal(1), expected=0)
    store.commit(proposal(2, author="grace", reason="first step"), expected=1)
    with pytest.raises(ConflictError, match=r"grace.*version 2.*first step"):
        store.commit(proposal(2), expected=1)
    assert [version.number for version in store.history()] == [2, 1]


@pytest.mark.parametrize(("expected", "number"), [(0, 3), (3, 4), (2, 2), (2, 1)])
def test_only_a_higher_number_on_exactly_the_live_one_is_taken(store, expected, number):
    store.commit(proposal(2), expected=0)
    with pytest.raises(ConflictError):
        store.commit(proposal(number), expected=expected)


def test_while_a_fence_is_up_only_its_attempt_writes(store):
    fence = Fence("orders", "attempt-1", 2_000_000_000.0)
    store.commit(proposal(1), expected=0)
    store.commit(proposal(2, fences=(fence,), attempt="attempt-1"), expected=1)
    assert store.newest().fences == (fence,)
    with pytest.raises(TransitionOpenError, match="orders"):
        store.commit(proposal(3), expected=2)
    with pytest.raises(TransitionOpenError):
        store.commit(proposal(3, attempt="attempt-2"), expected=2)
    store.commit(proposal(3, attempt="attempt-1"), expected=2)
    store.commit(proposal(4), expected=3)


def test_an_owner_gets_a_new_epoch_with_each_change(store):
    store.commit(proposal(1, owners=(("orders", "legacy"),)), expected=0)
    store.commit(proposal(2), expected=1)
    store.commit(proposal(3, owners=(("orders", "orders-service"),)), expected=2)
    owner = store.owners()["orders"]
    assert (owner.upstream, owner.epoch) == ("orders-service", 2)


def test_a_refused_commit_changes_no_owner(store):
    store.commit(proposal(1, owners=(("orders", "legacy"),)), expected=0)
    with pytest.raises(ConflictError):
        store.commit(proposal(2, owners=(("orders", "new"),)), expected=7)
    assert store.owners()["orders"].upstream == "legacy"


def test_a_replica_learns_the_newest_version_when_it_registers(store):
    assert store.register(Replica("a", "host", 1), lease=30) == 0
    store.commit(proposal(4), expected=0)
    assert store.register(Replica("a", "host", 1, served=(4, 3)), lease=30) == 4
    (replica,) = store.replicas()
    assert replica.served == (4, 3)
    assert replica.serves(3)
    assert not replica.serves(4)
    assert replica.lease_until - replica.seen_at == pytest.approx(30)


def test_a_replica_is_gone_when_its_lease_ends_or_it_leaves(store):
    store.register(Replica("a", "host", 1), lease=0)
    store.register(Replica("b", "host", 2), lease=30)
    assert [replica.id for replica in store.replicas()] == ["b"]
    store.leave("b")
    assert list(store.replicas()) == []


def test_the_first_value_of_a_setting_stays(store, make):
    assert store.setting("cookie_key", "first") == "first"
    assert make().setting("cookie_key", "second") == "first"


def test_the_audit_log_tells_commits_and_refusals(store):
    store.commit(proposal(1), expected=0)
    store.record("eve", "refused", "canary reviews")
    entries = store.audit()
    actions = [(entry.author, entry.action) for entry in entries]
    assert actions == [("eve", "refused"), ("ada", "apply")]
    assert "version 1" in entries[1].details


def test_a_store_opened_again_still_knows(store, make):
    store.commit(proposal(1), expected=0)
    assert make().newest().number == 1


def test_of_many_threads_that_commit_at_once_exactly_one_wins(store, make):
    store.commit(proposal(1), expected=0)
    stores = [make() for _ in range(6)]
    barrier = threading.Barrier(len(stores))
    results = []

    def compete(one):
        barrier.wait(10)
        try:
            results.append(one.commit(proposal(2), expected=1).number)
        except ConflictError:
            results.append("conflict")

    threads = [threading.Thread(target=compete, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results, key=str) == [2, *["conflict"] * 5]


COMPETE = """
import sys
from strangler.rollout.versions import ConflictError, Proposal, Source
from strangler.store import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
won = 0
for number in range(1, 21):
    try:
        store.commit(Proposal(number, "x", sys.argv[2], Source.APPLY), expected=number - 1)
        won += 1
    except ConflictError:
        pass
print(won)
store.close()
"""


def test_two_processes_never_overwrite_each_other(make):
    if not hasattr(make, "url"):
        pytest.skip("a store in memory belongs to one process")
    pair = [
        subprocess.Popen(
            [sys.executable, "-c", COMPETE, make.url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("ada", "grace")
    ]
    for process in pair:
        assert process.stdout.readline() == "ready\n"
    for process in pair:
        process.stdin.write("go\n")
        process.stdin.flush()
    won = [int(process.communicate(timeout=60)[0]) for process in pair]
    store = make()
    assert sum(won) == len(store.history(limit=100)) == 20
