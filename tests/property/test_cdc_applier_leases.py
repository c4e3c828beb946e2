"""Leases: appliers that take what is due come to rest with equal shares."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cdc.applier.leases import Lease, to_take

ME = "me"
owners = st.sampled_from([None, ME, "a", "b", "c"])


@given(st.lists(st.tuples(owners, st.booleans()), max_size=24))
def test_nobody_takes_what_is_its_own_or_leaves_another_with_less_than_itself(states):
    leases = [Lease(("t", n), owner, live) for n, (owner, live) in enumerate(states)]
    taken = to_take(leases, ME)
    assert len({lease.partition for lease in taken}) == len(taken)
    assert not [lease for lease in taken if lease.live and lease.owner == ME]
    after = Counter(lease.owner for lease in leases if lease.live and lease.owner)
    robbed = {lease.owner for lease in taken if lease.live and lease.owner}
    after.subtract(lease.owner for lease in taken if lease.live and lease.owner)
    after[ME] += len(taken)
    assert all(after[owner] >= after[ME] - 1 for owner in robbed)


@given(
    st.integers(0, 24),
    st.lists(st.sampled_from("abcd"), min_size=1, max_size=40),
    st.permutations("abcd"),
)
def test_after_each_has_looked_a_few_times_all_hold_about_as_much(partitions, order, last):
    held = dict.fromkeys(range(partitions))
    for me in [*order, *(list(last) * (partitions + 1))]:
        leases = [Lease(("t", n), owner, owner is not None) for n, owner in held.items()]
        for lease in to_take(leases, me):
            held[lease.partition[1]] = me
    shares = Counter(held.values())
    assert None not in shares
    counts = [shares[owner] for owner in "abcd"]
    assert max(counts) - min(counts) <= 1
