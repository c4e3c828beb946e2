"""Answers for people, in 80 columns. `--json` prints the answers as they are instead."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from strangler.admin.failures import Failure
from strangler.admin.judge import clock
from strangler.kit.problems import Severity
from strangler.kit.quantities import percent_text

Answer: TypeAlias = Mapping[str, Any]

_SILENT_SECONDS = 5.0
"""A worker answers every second, but not while it compiles a large table."""


_MOST_LINES = 40
"""Of one kind; `--json` lists all."""

_BECAUSE = {
    "fixed": "which has 100 %",
    "bucket": "by its bucket",
    "allow": "as the identity is on the allow list",
    "deny": "as the identity is on the deny list",
    "forced": "as a header or cookie of the request asks for it",
    "kill": "as the group is killed",
    "no_identity": "as no identity is there, and such requests move last",
}


def checked(answer: Answer) -> Group:
    """What `strangler check` says: each problem after its place, which editors understand."""
    parts = [_problem(each) for each in answer["problems"]]
    parts += [
        f"{escape(each['file'])}: [green]right[/] "
        f"({_counted(each['routes'], 'route')}, {_counted(each['upstreams'], 'upstream')})"
        for each in answer["right"]
    ]
    errors = sum(each["severity"] == Severity.ERROR for each in answer["problems"])
    return Group(*parts, *([_counted(errors, "problem")] if errors else []))


def failure(failed: Failure) -> Group:
    """Why something was not done."""
    return Group(*(escape(problem) for problem in failed.problems), escape(failed.message))


def plan(answer: Answer) -> Group:
    """What `strangler plan` says."""
    if not answer["changes"]:
        return Group(f"Version {answer['live']} is live, and the file says the same.")
    head = f"Version {answer['live']} -> {answer['proposed']}:"
    if answer["live"] == answer["proposed"]:
        head = f"Version {answer['live']} is live, and the file would change it:"
    parts = [head, *_changes(answer["changes"])]
    if answer["takes_back"]:
        parts.append("\n[yellow]This would take back what was changed live:[/]")
        parts += [f"  {_taken_back(each)}" for each in answer["takes_back"]]
        parts.append("`strangler rebase` keeps those changes; `apply --revert` takes them back.")
    if answer["blocked"]:
        parts.append(f"\n[red]It would be refused:[/] {escape(answer['blocked'])}")
    return Group(*parts, *warnings(answer))


def done(answer: Answer) -> Group:
    """What a changing command says."""
    parts = []
    if answer["scope"]:
        verb = "Goes" if answer["scope"].startswith("back to ") else "Acts on"
        parts.append(f"{verb} {escape(answer['scope'])}.")
    if answer["version"] == answer["previous"]:
        parts.append(f"Version {answer['version']} is live already; nothing to do.")
    else:
        word = "would become" if answer["dry_run"] else "is"
        parts.append(f"[bold]Version {answer['version']}[/] {word} live:")
        parts += _changes(answer["changes"])
    parts += _file(answer.get("file"))
    replicas = answer.get("replicas") or []
    if replicas:
        every = "the gateway" if len(replicas) == 1 else f"all {len(replicas)} gateways"
        parts.append(f"Served by {every}.")
    return Group(*parts, *warnings(answer))


def rebased(answer: Answer) -> Group:
    """What `strangler rebase` says."""
    written = answer["file"]["written"]
    number = answer["version"]
    it_is = f"is version {number} now" if written else f"would be version {number}"
    if not answer["changes"]:
        return Group(f"The file has no edits of its own: it {it_is}.")
    live = "`strangler apply` makes it live."
    if answer["watched"]:
        live = "It goes live now" if written else "It would go live at once"
        live += ", as a gateway watches this file."
    head = f"The file {it_is}, the live one ({answer['previous']}) with:"
    return Group(head, *_changes(answer["changes"]), live)


def history(versions: Sequence[Answer]) -> RenderableType:
    """What `strangler history` says, newest first."""
    if not versions:
        return "No table is live yet."
    table = _table("version", "when", "who", "how", "what and why")
    for index, each in enumerate(versions):
        why = f"\n[dim]{escape(each['reason'])}[/]" if each["reason"] else ""
        live = "[bold]" if index == 0 else ""
        row = (str(each["number"]), clock(each["created_at"]), each["author"], each["source"])
        table.add_row(*(live + escape(cell) for cell in row), escape(each["summary"]) + why)
    return table


def changes(listed: Sequence[Answer]) -> Group:
    """What `strangler diff` says."""
    return Group(*(_changes(listed) or ["No difference but comments and layout."]))


def explanation(answer: Answer) -> Group:
    """What `strangler explain` says."""
    route = f"route [bold]{escape(answer['route'])}[/]" if answer["route"] else "no route"
    because = f", {_BECAUSE[answer['reason']]}" if answer["reason"] in _BECAUSE else ""
    parts = [
        f"{escape(answer['method'])} {escape(answer['target'])} (version {answer['version']})",
        f"  {route}: {escape(answer['action'])}{because}",
    ]
    if answer["shares"]:
        shares = ", ".join(f"{name} {percent_text(share)} %" for name, share in answer["shares"])
        bucket = f"bucket {answer['bucket']} of 0..9999, " if answer["bucket"] >= 0 else ""
        parts.append(f"  {bucket}group {answer['group']}: {shares}")
    if answer["endpoints"]:
        parts.append(f"  endpoints: {', '.join(answer['endpoints'])}")
    others = [each for each in answer["considered"] if each["route"] != answer["route"]]
    if len(others) > _MOST_LINES:  # those that nearly took it say most
        others = [
            each for each in others if not each["reason"].startswith(("the path ", "the host "))
        ]
    parts += [
        f"  [dim]not {escape(each['route'])}: {escape(each['reason'])}[/]"
        for each in others[:_MOST_LINES]
    ]
    left = len(answer["considered"]) - bool(answer["route"]) - min(len(others), _MOST_LINES)
    return Group(*parts, *_and_more(left))


def status(answer: Answer) -> Group:
    """What `strangler status` says."""
    live = answer["live"]
    if live is None:
        return Group("No table is live yet: `strangler serve` or `strangler apply` makes one.")
    head = [
        f"[bold]Version {live['number']}[/] is live since {clock(live['created_at'])}, "
        f"by {escape(live['author'])} ({live['source']})",
        *([f"  {escape(live['reason'])}"] if live["reason"] else []),
    ]
    if not answer["gateway"]:
        head.append("[yellow]No gateway answers;[/] this is what the store says.")
    parts: list[RenderableType] = [*head, *_refusal(answer["refusal"])]
    # Of many groups, those that are on their way are what people look for.
    groups = (
        sorted(answer["groups"], key=_is_settled)
        if len(answer["groups"]) > _MOST_LINES
        else answer["groups"]
    )
    for title, table in (
        ("groups", _groups(groups[:_MOST_LINES])),
        ("gateways", _replicas(answer["replicas"])),
        ("workers", _workers(answer["workers"])),
        ("endpoints", _endpoints(answer["endpoints"])),
    ):
        if table.row_count:
            since = f" since version {answer['since']}" if title == "groups" else ""
            parts += [f"\n[bold]{title}[/]{since if answer['gateway'] else ''}", table]
            if title == "groups":
                parts += _and_more(len(groups) - _MOST_LINES)
    return Group(*parts)


def warnings(answer: Answer) -> list[str]:
    """The warnings of an answer, each on its own line."""
    return [f"[yellow]{escape(warning)}[/]" for warning in answer.get("warnings") or ()]


def _changes(listed: Sequence[Answer]) -> list[str]:
    shown = [f"  {_sign(change)} {escape(change['says'])}" for change in listed[:_MOST_LINES]]
    return [*shown, *_and_more(len(listed) - _MOST_LINES)]


def _and_more(count: int) -> list[str]:
    return [f"  [dim]and {count:,} more (--json lists all)[/]"] if count > 0 else []


def _is_settled(group: Answer) -> bool:
    return all(share["asked"] in {0, 10_000} for share in group["shares"])


def _problem(problem: Answer) -> str:
    place = f"[bold]{escape(problem['file'])}:{problem['line']}:{problem['column']}:[/]"
    kind = "[yellow]warning:[/] " if problem["severity"] == Severity.WARNING else ""
    return f"{place} {kind}{escape(problem['message'])}"


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _sign(change: Answer) -> str:
    if change["before"] is None:
        return "[green]+[/]"
    return "[red]-[/]" if change["after"] is None else "[yellow]~[/]"


def _taken_back(taken: Answer) -> str:
    reason = f": {taken['reason']}" if taken["reason"] else ""
    who = f"version {taken['version']}, {taken['author']}, {clock(taken['at'])}{reason}"
    return escape(f"{taken['change']['says']} ({who})")


def _file(note: Answer | None) -> list[str]:
    if note is None:
        return []
    if note["note"]:
        return [f"[yellow]{escape(note['path'])} {escape(note['note'])}[/]"]
    return [f"{escape(note['path'])} says so too."]


def _refusal(refusal: Answer | None) -> list[str]:
    if refusal is None:
        return []
    ago = max(0, int(time.time() - refusal["at"]))
    lines = [
        f"[red]A changed file was refused {ago} s ago[/] ({refusal['count']} since the start):"
    ]
    return lines + [f"  {escape(problem)}" for problem in refusal["problems"][:5]]


def _groups(groups: Sequence[Answer]) -> Table:
    table = _table("group", "upstream", "asked", "actual", "requests")
    for group in groups:
        counts = [share["requests"] or 0 for share in group["shares"]]
        total = sum(counts)
        name = group["group"] + (" (killed)" if group["kill"] else "")
        for index, (share, count) in enumerate(zip(group["shares"], counts, strict=True)):
            known = share["requests"] is not None
            actual = f"{100 * count / total:.1f} %" if known and total else "-"
            table.add_row(
                escape(name) if index == 0 else "",
                escape(share["upstream"]),
                f"{percent_text(share['asked'])} %",
                actual,
                f"{count:,}" if known else "-",
            )
    return table


def _replicas(replicas: Sequence[Answer]) -> Table:
    table = _table("gateway", "pid", "serves", "")
    for each in replicas:
        served = ", ".join(str(number) for number in sorted(set(each["served"]))) or "nothing yet"
        word = "[green]current[/]" if each["current"] else "[yellow]behind[/]"
        table.add_row(escape(each["host"]), str(each["pid"]), served, word)
    return table


def _workers(workers: Sequence[Answer]) -> Table:
    table = _table("worker", "pid", "version", "restarts", "")
    for each in workers:
        late = each["silent"] > _SILENT_SECONDS
        word = f"[red]silent for {each['silent']:.0f} s[/]" if late else "[green]answers[/]"
        table.add_row(*(str(each[key]) for key in ("slot", "pid", "version", "restarts")), word)
    return table


def _endpoints(endpoints: Sequence[Answer]) -> Table:
    table = _table("upstream", "endpoint", "health")
    for each in endpoints:
        word = "[green]up[/]" if each["up"] else "[red]down[/]"
        table.add_row(
            escape(each["upstream"]),
            escape(each["endpoint"]),
            word if each["checked"] else "[dim]not checked[/]",
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, header_style="dim", overflow="fold")
    return table
