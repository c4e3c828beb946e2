"""What git knows: which commit is meant, and what is in the working tree."""

from __future__ import annotations

import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

_NOBODY = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
"""`git stash create` wants an author, and a checkout need not have one."""


class CommitError(Exception):
    """What was named cannot be compared; the message says what to name instead."""


@dataclass(frozen=True, slots=True)
class Code:
    """The files of one side, as git keeps them."""

    label: str
    """For people."""
    tree: str
    """Two commits with the same files have the same tree."""


def named(root: Path, commit: str) -> Code:
    """The code of a commit. Raises CommitError."""
    found = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"
    )
    if found.returncode:
        raise CommitError(
            f"`{commit}` is not a commit of this repository: write HEAD~1, a branch, a tag or the"
            " beginning of a hash; what only a remote has is brought here by `git fetch`"
        )
    return Code(f"{commit} ({found.stdout[:10]})", _tree(root, found.stdout.strip()))


def working_tree(root: Path) -> Code:
    """The tracked files as they are now; nothing in the repository changes. Raises CommitError."""
    head = named(root, "HEAD")
    changed = _git(root, *_NOBODY, "stash", "create")
    if changed.returncode:
        raise CommitError(f"git cannot tell what the working tree has: {changed.stderr.strip()}")
    if commit := changed.stdout.strip():
        return Code("the working tree", _tree(root, commit))
    return Code("the working tree", head.tree)


def export(root: Path, tree: str, folder: Path) -> None:
    """Write the files of a tree into `folder`. Raises CommitError."""
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        done = _git(root, "archive", "--output", archive.name, tree)
        if done.returncode:
            raise CommitError(f"git cannot export {tree}: {done.stderr.strip()}")
        with tarfile.open(archive.name) as members:
            members.extractall(folder, filter="data")


def _tree(root: Path, commit: str) -> str:
    return _git(root, "rev-parse", "--verify", f"{commit}^{{tree}}").stdout.strip()


def _git(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = ["git", "-C", str(root), *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise CommitError(f"git is needed to compare commits: {error}") from error
