"""Problems of a file, each at its place, and the error that carries all of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Whether a problem stops the file from being used."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """What is wrong at one place, and what to write instead."""

    line: int
    """1-based."""
    column: int
    """1-based, in characters."""
    message: str
    severity: Severity = Severity.ERROR

    def at(self, file: str) -> str:
        """One line for a person or an editor: `file:line:column: message`."""
        kind = "warning: " if self.severity is Severity.WARNING else ""
        return f"{file}:{self.line}:{self.column}: {kind}{self.message}"


class ConfigError(Exception):
    """A file that cannot be used, with every problem that was found in it."""

    def __init__(self, file: str, problems: Iterable[Problem]) -> None:
        self.file = file
        self.problems = tuple(sorted(problems))
        super().__init__(file, self.problems)

    def __str__(self) -> str:
        return "\n".join(problem.at(self.file) for problem in self.problems)


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """` (did you mean ...?)` for the nearest of the known words whatever its case, or nothing."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f" (did you mean `{by_lower[close[0]]}`?)" if close else ""


def listed(words: Iterable[str]) -> str:
    """`a`, `b` and `c`."""
    quoted = [f"`{word}`" for word in words]
    if len(quoted) < 2:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"
