"""The routes.yaml that people edit: read whole, written whole, or not at all."""

from __future__ import annotations

import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from strangler.admin.answers import FileNote
from strangler.kit.problems import listed
from strangler.rollout.document import same, version_of
from strangler.rollout.rebase import carry

_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Saved:
    """A file's content with who saved it and when."""

    text: str
    author: str
    at: float
    """Unix time."""


class WorkingCopy:
    """A routes.yaml on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Saved | None:
        """The file as it is, or None where there is none.

        Raises OSError if it cannot be read and ValueError if it is not UTF-8.
        """
        try:
            with self.path.open("rb") as file:
                data, info = file.read(), os.fstat(file.fileno())
        except FileNotFoundError:
            return None
        return Saved(data.decode("utf-8"), _login(info.st_uid), info.st_mtime)

    def write(self, text: str) -> None:
        """Put the text in the file's place in one step, its mode and owner kept.

        A link is followed, so that the file behind it changes and the link stays.
        """
        path = self.path.resolve()
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode("utf-8"))
                file.flush()
                os.fsync(file.fileno())
            _take_over_rights(path, temporary)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise

    def follow(self, before: str, after: str) -> FileNote | None:
        """Bring the file along after a change went live; None without a file or a change."""
        if before == after:
            return None
        for _ in range(_ATTEMPTS):
            try:
                saved = self.read()
            except (OSError, ValueError) as error:
                return FileNote(str(self.path), written=False, note=f"cannot be read: {error}")
            if saved is None:
                return None
            text, note = _followed(saved.text, before, after)
            if text is None or text == saved.text:
                return FileNote(str(self.path), written=text is not None, note=note)
            if self._replace(saved.text, text):
                return FileNote(str(self.path), written=True, note=note)
        return FileNote(str(self.path), written=False, note="is being saved over and over")

    def _replace(self, expected: str, text: str) -> bool:
        """Write only over what was read: a person may save at the same moment."""
        saved = self.read()
        if saved is None or saved.text != expected:
            return False
        self.write(text)
        return True


def _followed(mine: str, before: str, after: str) -> tuple[str | None, str]:
    if version_of(mine) == version_of(after) and mine == after:
        return mine, ""
    merged = carry(before, mine, after)
    if merged.text is None:
        return None, (
            f"was left as it is, because its own edits and this change meet in "
            f"{listed(merged.conflicts)}: `strangler rebase` carries them over"
        )
    if merged.text == after or mine == before:
        return merged.text, ""
    return merged.text, _unapplied(merged.text, after)


def _unapplied(text: str, live: str) -> str:
    if same(text, live):
        return ""
    return "has edits that are not live: they are kept, with this change added"


def _login(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _take_over_rights(path: Path, temporary: str) -> None:
    try:
        info = path.stat()
    except FileNotFoundError:
        Path(temporary).chmod(0o644)
        return
    Path(temporary).chmod(stat.S_IMODE(info.st_mode))
    if info.st_uid != os.geteuid() or info.st_gid != os.getegid():
        try:
            os.chown(temporary, info.st_uid, info.st_gid)
        except PermissionError:
            return  # not root: the file then belongs to who changed it, which is true
