"""Become another program that ends when the demo ends, however the demo ends.

Run as a file, in front of every program that the demo starts:
`python -I -S launch.py PARENT SIGNAL USER PROGRAM ...`. The kernel sends SIGNAL to the program when
its parent dies (Linux's parent-death signal), so that even `kill -9` of the demo leaves nothing
running. A non-empty USER is whom to become first: PostgreSQL does not run as root.

It is a program and no `preexec_fn`, since Python code between fork and exec can deadlock.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: str, number: str, user: str, *command: str) -> None:
    """Replace this process by `command`; returns only by an exception."""
    if user:
        become(user)
    # After the change of user, which takes the signal back.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number), 0, 0, 0)
    if os.getppid() != int(parent):
        sys.exit("The demo ended before its program began.")
    os.execv(command[0], command)  # noqa: S606 - the programs that the demo names


def become(user: str) -> None:
    """Give up root's rights for those of `user`, for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)


if __name__ == "__main__":
    main(*sys.argv[1:])
