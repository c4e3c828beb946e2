import json

import pytest

from cdc.change import Identity
from cdc.checkpoint import Checkpoint, CheckpointError
from cdc.snapshot import Run

KEYS = [
    (5,), (-(2**63),), (2**64 - 1,), (2**80,), (0.1,), (1e300,), (-0.0,), ("NaN",), ("0.10",),
    ("é",), ("caf\udce9",), ("",), (True,), ("3q2+7w==", 7),
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS, ids=repr)
def test_a_key_of_any_kind_comes_back_as_it_was(key):
    runs = (Run("initial", "t", after=key, rows=9), Run("repair-7", "t", keys=(key, key)))
    kept = Checkpoint(
        Identity.of(a="1", b="2"), 2, 77, 4, (78, 3), runs, (("t", "k"),), marker=9
    )  # fmt: skip
    again = Checkpoint.from_bytes(kept.to_bytes())
    assert again == kept
    assert [type(value) for value in again.runs[0].after] == [type(value) for value in key]


def test_what_is_none_is_refused_for_good():
    for given in (b"", b"\xff", b"[]", b"null", b'{"identity":[]}', b"{}"):
        with pytest.raises(CheckpointError, match="cannot be read") as raised:
            Checkpoint.from_bytes(given)
        assert not raised.value.temporary


def test_one_of_an_earlier_version_knows_no_marker():
    kept = json.loads(Checkpoint(Identity.of(a="1"), 2, 77, 4, marker=9).to_bytes())
    del kept["marker"]
    assert Checkpoint.from_bytes(json.dumps(kept).encode()).marker == 0


def test_of_a_forgotten_one_the_numbers_are_left():
    kept = Checkpoint(Identity.of(a="1"), 2, 77, 4, runs=(Run("initial", "t"),), marker=9)
    left = Checkpoint.from_bytes(kept.forgotten().to_bytes())
    assert left.is_forgotten
    assert not kept.is_forgotten
    assert (left.incarnation, left.runs, left.marker) == (3, (), 9)
