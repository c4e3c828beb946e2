"""Metrics in the text format that Prometheus reads (exposition format 0.0.4). Pure.

Written out by hand as the counts live in the workers' shared memory, not in a client library's
registry; what is rendered is read back by an independent parser in the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels: TypeAlias = tuple[tuple[str, str], ...]
Kind: TypeAlias = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One line: the family's name plus `suffix`, labels, a value."""

    value: float
    labels: Labels = ()
    suffix: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one name."""

    name: str
    kind: Kind
    help: str
    samples: list[Sample] = field(default_factory=list)

    def add(self, value: float, **labels: str) -> None:
        """One more sample; the labels keep their order."""
        self.samples.append(Sample(value, tuple(labels.items())))

    def add_histogram(
        self, bounds: Sequence[float], counts: Sequence[int], total: float, **labels: str
    ) -> None:
        """The samples of one histogram.

        `counts` are per bucket, not cumulative, with one more than `bounds` for the rest; `total`
        is the sum of what was observed.
        """
        pairs = tuple(labels.items())
        below = 0
        for bound, count in zip((*map(number, bounds), "+Inf"), counts, strict=True):
            below += count
            self.samples.append(Sample(below, (*pairs, ("le", bound)), "_bucket"))
        self.samples.append(Sample(total, pairs, "_sum"))
        self.samples.append(Sample(below, pairs, "_count"))


def render(families: Iterable[Family]) -> str:
    """The whole page; families without samples are left out."""
    return "".join(line for family in families if family.samples for line in _lines(family))


def number(value: float) -> str:
    """A value as it is written: whole numbers without a point, exactly."""
    if isinstance(value, int):
        return str(value)
    if value != value:  # noqa: PLR0124 - only NaN differs from itself
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _lines(family: Family) -> Iterable[str]:
    yield f"# HELP {family.name} {_escape(family.help)}\n"
    yield f"# TYPE {family.name} {family.kind}\n"
    for sample in family.samples:
        yield f"{family.name}{sample.suffix}{_labels(sample.labels)} {number(sample.value)}\n"


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escape_value(value)}"' for name, value in labels) + "}"


def _escape(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _escape_value(text: str) -> str:
    return _escape(text).replace('"', r"\"")
