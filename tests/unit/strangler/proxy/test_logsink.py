import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from strangler.proxy import logsink
from strangler.proxy.logsink import LogSink, piece


def test_pieces_for_a_pipe_are_whole_lines() -> None:
    rest = b"".join([b"x" * 1500 + b"\n"] * 5 + [b"y" * 9000 + b"\n"])
    sizes = []
    while rest:
        part = piece(rest, logsink.PIPE_BYTES)
        assert part.endswith(b"\n")
        sizes.append(len(part))
        rest = rest[len(part) :]
    assert sizes == [3002, 3002, 1501, 9001]


def test_a_path_that_can_be_opened_later_is(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(logsink, "TRY_AGAIN", 0.0)
    path = tmp_path / "missing" / "access.log"
    with capture_logs() as told:
        sink = LogSink(str(path))
        assert sink.write([b"1\n", b"2\n"]) == 2
        path.parent.mkdir()
        assert sink.write([b"3\n"]) == 0
    sink.close()
    assert path.read_bytes() == b"3\n"
    assert [each["event"] for each in told] == ["access_log_not_written"]


def test_a_rotation_into_nowhere_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "access.log"
    path.parent.mkdir()
    sink = LogSink(str(path))
    path.parent.rename(tmp_path / "moved")
    sink.reopen()
    assert sink.write([b"1\n"]) == 0
    sink.close()
    assert (tmp_path / "moved" / "access.log").read_bytes() == b"1\n"


def test_a_full_disk_costs_the_lines_it_has_no_room_for_and_tears_none(
    tmp_path: Path, monkeypatch
) -> None:
    path = tmp_path / "access.log"
    sink = LogSink(str(path))
    room = 8

    def write(fd: int, data: bytes) -> int:
        nonlocal room
        taken = min(room, len(data))
        room -= taken
        if not taken:
            raise OSError(28, "No space left on device")
        return os.pwrite(fd, data[:taken], 0)  # appends, as the file was opened so

    with capture_logs() as told, monkeypatch.context() as patch:
        patch.setattr(logsink.os, "write", write)
        assert sink.write([b"111\n", b"22\n", b"333\n"]) == 1
        assert sink.write([b"444\n"]) == 1
    assert len(told) == 1
    assert sink.write([b"555\n"]) == 0
    sink.close()
    assert path.read_bytes() == b"111\n22\n3\n555\n"


@pytest.mark.parametrize("path", ["/dev/full"])
def test_a_device_without_room(path: str) -> None:
    sink = LogSink(path)
    assert sink.write([b"1\n", b"2\n"]) == 2
    sink.close()
