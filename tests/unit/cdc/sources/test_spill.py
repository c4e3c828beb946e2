"""Uncommitted transactions on disk."""

from __future__ import annotations

import resource
import signal

import pytest

from cdc.relay.ports import SourceError
from cdc.sources.spill import Spill


@pytest.fixture
def spill(tmp_path):
    spill = Spill(tmp_path / "spill", 10_000)
    spill.clean()
    yield spill
    spill.close()


def files(spill) -> list:
    return sorted(path.name for path in spill._folder.iterdir())


def test_what_was_kept_comes_back_in_order_without_what_was_rolled_back(spill):
    for part, message in ((1, b"a"), (2, b"b"), (1, b""), (3, b"d"), (2, b"e")):
        spill.append(1, part, message)
    spill.append(9, 9, b"other")
    spill.drop_part(1, 2)
    spill.drop_part(5, 2)
    assert list(spill.messages(1)) == [b"a", b"", b"d"]
    assert list(spill.messages(9)) == [b"other"]
    assert list(spill.messages(5)) == []


def test_files_go_with_their_transactions(spill):
    for transaction in (1, 2, 3):
        spill.append(transaction, 1, b"a")
    size = spill.size
    spill.drop(2)
    spill.drop(2)
    assert files(spill) == ["1.spill", "3.spill"]
    assert spill.size == size * 2 // 3
    spill.close()
    assert (files(spill), spill.size) == ([], 0)


def test_what_a_process_that_is_gone_left_is_removed_and_nothing_else(tmp_path):
    (tmp_path / "7.spill").write_bytes(b"half")
    (tmp_path / "checkpoint").write_bytes(b"mine")
    Spill(tmp_path, 100).clean()
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_the_limit_is_that_of_all_files(spill):
    spill.append(1, 1, b"x" * 6_000)
    with pytest.raises(SourceError, match=r"limits\.spill") as raised:
        spill.append(2, 1, b"x" * 6_000)
    assert not raised.value.temporary
    spill.drop(1)
    spill.append(2, 1, b"x" * 6_000)


@pytest.mark.parametrize("at", [0, 4, 8, 12, 20, -1])
def test_a_damaged_file_is_noticed(spill, at):
    for number in range(3):
        spill.append(1, 1, b"message %d" % number)
    list(spill.messages(1))  # everything is in the file now
    path = spill._folder / "1.spill"
    content = bytearray(path.read_bytes())
    content[at] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(SourceError, match="damaged") as raised:
        list(spill.messages(1))
    assert raised.value.temporary


def test_a_file_that_was_cut_is_noticed(spill):
    spill.append(1, 1, b"a" * 100)
    spill.append(1, 1, b"b" * 100)
    list(spill.messages(1))
    path = spill._folder / "1.spill"
    path.write_bytes(path.read_bytes()[:112])
    with pytest.raises(SourceError, match="damaged"):
        list(spill.messages(1))


def test_a_folder_that_takes_nothing_is_named(tmp_path):
    (tmp_path / "spill").write_bytes(b"a file")
    spill = Spill(tmp_path / "spill", 1_000)
    with pytest.raises(SourceError, match=str(tmp_path)) as raised:
        spill.clean()
    assert raised.value.temporary
    with pytest.raises(SourceError, match="takes no more"):
        spill.append(1, 1, b"a")


def test_a_disk_that_ends_is_an_error_and_leaves_nothing(spill):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        with pytest.raises(SourceError) as raised:
            for _ in range(90):
                spill.append(1, 1, b"x" * 100)
            list(spill.messages(1))
        assert raised.value.temporary
        spill.drop(1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)
    assert files(spill) == []
