"""Whether a file may become the next version: its number, and what it would take back."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from strangler.admin.answers import Plan, TakenBack
from strangler.config.model import Table
from strangler.config.rules.streams import synced_groups
from strangler.rollout.document import document, same, version_of
from strangler.rollout.plan import Candidate, Change, diff, nearest, takes_back
from strangler.rollout.versions import Owner, Source, TableVersion, VersionStore, reason_words

EMPTY = "version: 0\n"
"""What the first table is compared with."""

LOOKED_BACK = 20
"""Versions that a file may have been edited from; older ones differ more and more anyway."""


@dataclass(frozen=True, slots=True)
class Edit:
    """Who saved a file and when (Unix time)."""

    author: str
    at: float


def judge(
    text: str, number: int, live: TableVersion, store: VersionStore, saved: Edit | None
) -> Plan:
    """What making `text` live would change, take back, and what forbids it.

    A file that says the same as the live version and carries its number is simply live already.
    """
    if same(text, live.text) and number == live.number:
        return Plan(live.number, number, ())
    return Plan(
        live=live.number,
        proposed=number,
        changes=diff(live.text, text),
        takes_back=_taken_back(text, live, store, saved),
        blocked=_blocked(number, live, saved),
    )


def base_of(text: str, store: VersionStore, live: TableVersion) -> TableVersion:
    """The version that a file was most likely edited from.

    A file that carries a number beyond the live one claims to follow it, so of equally near
    versions the newest counts. One with an older number cannot have been made from a later
    version, and of equally near ones the oldest counts: a value that both sides changed is then
    a conflict rather than lost.
    """
    number = version_of(text) or 0
    versions = list(store.history(LOOKED_BACK))
    if number <= live.number:
        versions = [each for each in reversed(versions) if each.number <= number] or versions
    found = nearest(text, (Candidate(each.number, each.text) for each in versions))
    return next((each for each in versions if found and each.number == found.number), live)


def taking_back(taken: Sequence[TakenBack]) -> str:
    """The refusal of a file that would undo live changes."""
    lines = [f"  {each.change} ({_made(each)})" for each in taken]
    return "\n".join(
        [
            "the file would take back what was changed live:",
            *lines,
            "`strangler rebase` carries the file's edits onto the live table; "
            "--revert takes these changes back on purpose",
        ]
    )


def first_owners(table: Table, owners: Mapping[str, Owner]) -> tuple[tuple[str, str], ...]:
    """The owner of each group with streams that has none yet: the old side, for everybody to see.

    From then on the store says who owns the data, whatever a later file says.
    """
    old = {route.group: route.old for route in table.routes}
    fresh = sorted(group for group in synced_groups(table) if group not in owners)
    return tuple((group, old[group]) for group in fresh)


def _blocked(number: int, live: TableVersion, saved: Edit | None) -> str:
    if number == live.number + 1:
        return ""
    if number > live.number:
        return (
            f"the file says version {number}, but version {live.number} is live: "
            f"write `version: {live.number + 1}`"
        )
    mine = f" (saved by {saved.author} at {clock(saved.at)})" if saved else ""
    if number == live.number:
        return (
            f"the file says version {number}{mine}, but version {number} is live with other "
            f"content: {_origin(live)}. Write `version: {live.number + 1}` if the file was made "
            "from that; `strangler rebase` carries its edits over if it was not"
        )
    return (
        f"the file says version {number}{mine}, but version {live.number} is live: "
        f"{_origin(live)}. `strangler rebase` carries the file's edits over"
    )


def _taken_back(
    text: str, live: TableVersion, store: VersionStore, saved: Edit | None
) -> tuple[TakenBack, ...]:
    base = base_of(text, store, live)
    if base.number == live.number:
        return ()
    undone = takes_back(document(base.text), document(text), document(live.text))
    since = [each for each in store.history(LOOKED_BACK) if each.number >= base.number]
    made = [(newer, diff(older.text, newer.text)) for newer, older in pairwise(since)]
    makers = ((change, _maker(change, made) or since[0]) for change in undone)
    return tuple(
        TakenBack(change, maker.number, maker.author, maker.created_at, maker.reason)
        for change, maker in makers
        if not _own_save(maker, saved)
    )


def _maker(
    change: Change, made: Sequence[tuple[TableVersion, tuple[Change, ...]]]
) -> TableVersion | None:
    """The newest version that made a change; `made` is newest first."""
    for version, changes in made:
        if any(each.what == change.what and each.field in {"", change.field} for each in changes):
            return version
    return None


def _own_save(maker: TableVersion, saved: Edit | None) -> bool:
    """What somebody saved in the file they may save otherwise: nobody else's change is lost."""
    return saved is not None and maker.source is Source.FILE and maker.author == saved.author


def _made(taken: TakenBack) -> str:
    reason = f": {taken.reason}" if taken.reason else ""
    return f"version {taken.version}, {taken.author}, {clock(taken.at)}{reason}"


def _origin(version: TableVersion) -> str:
    return (
        f"{version.author} made it at {clock(version.created_at)} "
        f"({version.source}{reason_words(version)})"
    )


def clock(at: float) -> str:
    """A Unix time for people, in this host's zone."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
