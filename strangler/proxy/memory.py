"""Memory that the supervisor owns and its workers map: counters and the lease.

An anonymous file rather than a named one: nothing to clean up after a crash, nobody else can open
it, and it lives as long as any process holds it. It is sparse: pages never touched cost nothing.
"""

from __future__ import annotations

import mmap
import os


class SharedCells:
    """Unsigned 64-bit integers in memory that other processes see at once.

    A write of one cell is whole (an aligned machine word), so a reader needs no lock; each cell
    must have one writer at a time.
    """

    def __init__(self, fd: int, size: int) -> None:
        """Map `size` bytes of the anonymous file `fd`, which this object closes."""
        self.fd = fd
        self._map = mmap.mmap(fd, size, mmap.MAP_SHARED)
        self._bytes = memoryview(self._map)
        self.cells = self._bytes.cast("Q")

    @classmethod
    def create(cls, name: str, size: int) -> SharedCells:
        """New cells, all 0; pass `fd` on to whoever shall map them too."""
        fd = anonymous_file(name)
        os.ftruncate(fd, size)
        return cls(fd, size)

    def close(self) -> None:
        """Unmap; cells must not be used after this."""
        self.cells.release()
        self._bytes.release()
        self._map.close()
        os.close(self.fd)


def anonymous_file(name: str) -> int:
    """A file without a name, open for reading and writing and closed on exec.

    In memory on Linux; elsewhere a temporary file, unlinked before this returns.
    """
    if hasattr(os, "memfd_create"):
        return os.memfd_create(name, os.MFD_CLOEXEC)
    import tempfile  # and with it half the archive formats: not for nothing in every worker

    fd, path = tempfile.mkstemp()
    os.unlink(path)  # noqa: PTH108 - a descriptor's path, gone before anybody sees it
    return fd
