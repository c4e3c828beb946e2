"""Answers of `strangler cdc …` for people, in 80 columns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from rich.console import Group
from rich.markup import escape
from rich.table import Table

Answer: TypeAlias = Mapping[str, Any]


def prepared(answer: Answer) -> Group:
    """What `strangler cdc init` says."""
    lines = [f"Done: {escape(statement)}" for statement in answer["statements"]]
    for finding in answer["findings"]:
        word = "[red]missing[/]" if finding["fatal"] else "[yellow]doubt[/]"
        lines += [f"{word}: {escape(finding['what'])}", f"  {escape(finding['remedy'])}"]
    if answer["action"] == "undo":
        lines.append(f"Nothing of the stream {answer['stream']} is left at its source.")
    elif answer["ready"]:
        lines.append(f"The source is ready: `{answer['next']['run']}`.")
    elif any(finding["applies"] for finding in answer["findings"]):
        lines.append(f"`{answer['next']['apply']}` does what it can.")
    return Group(*lines)


def status(answer: Answer) -> Group:
    """What `strangler cdc status` says."""
    if not answer["streams"]:
        return Group("The route table has no streams: nothing under `sync:`.")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("stream", "relay", "lag", "log kept", "applier", "copy lag", "held", "dead"):
        table.add_column(column, justify="left" if column in {"stream", "relay"} else "right")
    for stream in answer["streams"]:
        table.add_row(escape(stream["stream"]), *_relay(stream["relay"]), *_applier(stream))
    return Group(table, *_details(answer))


def asked(answer: Answer) -> Group:
    """What `strangler cdc snapshot` says."""
    tables = escape(", ".join(answer["tables"]))
    lines = [f"Asked for a snapshot of {tables} (marker {answer['seq']})."]
    if "next" in answer:
        lines.append(f"Watch it: `{answer['next']['status']}`")
    return Group(*lines)


def guarded(answer: Answer) -> Group:
    """What `strangler cdc guard` says."""
    meaning = {
        "missing": "is not installed: everybody may write",
        "open": "is open: everybody may write",
        "closed": "is closed: nobody but the applier may write",
    }[answer["state"]]
    tables = escape(", ".join(answer["tables"]))
    return Group(f"The guard of {answer['stream']} at the {answer['side']} {meaning} ({tables}).")


def record(answer: Answer) -> Group:
    """One line of `strangler cdc tail`."""
    value = answer["value"] or {}
    place = f"{answer['topic']}/{answer['partition']}@{answer['offset']}"
    if "broken" in answer:
        return Group(f"{escape(place)} [red]{escape(answer['broken'])}[/]")
    source = value.get("source", {})
    at = time.strftime("%H:%M:%S", time.localtime(source.get("ts_ms", 0) / 1000))
    what = _OPERATIONS.get(str(value.get("op")), "tombstone")
    if marker := value.get("marker"):
        return Group(f"{at} {escape(place)} marker {marker['kind']} {marker['seq']}")
    key = ", ".join(f"{name}={each}" for name, each in (answer["key"] or {}).items())
    return Group(f"{at} {escape(place)} {what} {escape(key)}")


def verified(answer: Answer) -> Group:
    """What `strangler cdc verify` says."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("table", "rows", "missing", "extra", "different", "seconds", "outcome"):
        table.add_column(column, justify="left" if column in {"table", "outcome"} else "right")
    for each in answer["tables"]:
        colour = _OUTCOMES[each["outcome"]]
        table.add_row(
            escape(each["table"]), f"{each['source_rows']:,}", str(each["missing"]),
            str(each["extra"]), str(each["different"]), f"{each['seconds']:.1f}",
            f"[{colour}]{each['outcome']}[/]",
        )  # fmt: skip
    lines = [line for each in answer["tables"] for line in _differences(each)]
    if answer["reason"]:
        lines.append(f"Cannot be told: {escape(answer['reason'])}")
    return Group(table, *lines)


def _differences(table: Answer) -> Iterator[str]:
    name = escape(table["table"])
    for why in sorted({why for _, why in table["left_out"]}):
        columns = ", ".join(column for column, reason in table["left_out"] if reason == why)
        yield f"{name}: left out ({escape(why)}): {escape(columns)}"
    for each in table["differences"][:_MOST_LINES]:
        columns = f" in {escape(', '.join(each['columns']))}" if each["columns"] else ""
        yield f"{name} {escape(str(each['key']))}: {each['kind']}{columns}"
        if each["source"] is not None:
            yield f"  source {escape(str(each['source']))}"
            yield f"  target {escape(str(each['target']))}"
    more = table["missing"] + table["extra"] + table["different"] - _MOST_LINES
    if more > 0:
        yield f"{name}: {more} more; --json names up to a thousand"


def look(answer: Answer) -> Group:
    """One range of `strangler cdc verify --continuous`; silent about what is equal."""
    lines = [
        f"{escape(answer['table'])} {escape(str(each['key']))}: {each['kind']}"
        for each in answer["new"]
    ]
    if answer["reason"]:
        lines.append(f"{escape(answer['table'])}: {escape(answer['reason'])}")
    return Group(*lines)


def repaired(answer: Answer) -> Group:
    """What `strangler cdc repair` says."""
    if not answer["tables"]:
        return Group("Nothing differs.")
    lines = []
    for each in answer["tables"]:
        sent, gone, left = each["sent"], each["deleted"], len(each["left"])
        told = (
            f"{sent} rows would be sent, {gone} deleted that the source does not have"
            if each["dry_run"]
            else f"{sent} rows sent again, {gone} deleted that the source does not have;"
            f" {left} differ still"
        )
        lines.append(f"{escape(each['table'])}: {told}")
    return Group(*lines)


def probed(answer: Answer) -> Group:
    """What `strangler cdc probe` says."""
    stages = ("written", "relayed", "read", "applied")
    told = [f"{name} {answer[name]:.3f} s" for name in stages if answer[name] is not None]
    number = "The probe was not written" if answer["seq"] is None else f"Probe {answer['seq']}"
    lines = [f"{number}: {', '.join(told)}" if told else f"{number}."]
    if answer["stuck"]:
        lines.append(f"[red]Stuck[/]: {escape(answer['stuck'])}")
    else:
        lines.append(f"It came out of all {answer['partitions']} partitions.")
    return Group(*lines)


def retried(answer: Answer) -> Group:
    """What `strangler cdc retry` says."""
    return Group(f"{answer['records']} parked records of {answer['stream']} are tried again.")


_OUTCOMES = {"equal": "green", "different": "red", "unknown": "yellow"}
_MOST_LINES = 20
_MOST_REFUSED = 3
_OPERATIONS = {"c": "create", "u": "update", "d": "delete", "r": "read", "t": "truncate"}


def _relay(relay: Answer | None) -> tuple[str, str, str]:
    if relay is None:
        return ("never ran", "-", "-")
    kept = _size(relay["retained_bytes"])
    if relay["state"] == "running":
        return ("runs", f"{relay['lag_ms']} ms", kept)
    silent = f"silent {relay['silent_s']:.0f} s"
    return (f"[red]{silent if relay['state'] == 'silent' else 'stopped'}[/]", "-", kept)


def _applier(stream: Answer) -> tuple[str, str, str, str]:
    applier, relay = stream["applier"], stream["relay"] or {}
    dead = str(relay.get("dead_keys", "-"))
    if applier is None:
        return ("no target", "-", "-", dead)
    lag = applier.get("lag_s")
    held = applier.get("waiting", 0) + applier.get("parked", 0)
    shown = "-" if lag is None else f"{lag:.1f} s"
    state = escape(applier["state"])
    calm = state in {"running", "never started"}
    return (state if calm else f"[red]{state}[/]", shown, str(held), dead)


def _details(answer: Answer) -> Iterator[str]:
    for stream in answer["streams"]:
        name, relay, applier = escape(stream["stream"]), stream["relay"] or {}, stream["applier"]
        for run in relay.get("snapshots", ()):
            what = "repair" if run["repair"] else "snapshot"
            yield f"{name}: {what} of {escape(run['table'])}, {_done(run)}"
        for each in relay.get("refused", ())[-_MOST_REFUSED:]:
            what = f"{each['id']} of {each['table']} refused: {each['reason']}"
            yield f"{name}: {escape(what)}"
        yield from (f"{name}: {escape(said)}" for said in _why_no_relay(relay, stream["next"]))
        yield from (f"{name}: {escape(said)}" for said in _why_no_applier(applier, stream["next"]))


def _why_no_relay(relay: Answer, go_on: Answer) -> Iterator[str]:
    if relay.get("state") == "stopped":
        yield f"the relay has stopped: {relay['message'] or 'it was told to'} (`{go_on['run']}`)"
    elif relay.get("state") == "silent":
        yield (
            f"the relay has said nothing for {relay['silent_s']:.0f} s: it was killed, or cannot"
            f" reach its source or Kafka, which its log says (`{go_on['run']}`)"
        )


def _why_no_applier(applier: Answer | None, go_on: Answer) -> Iterator[str]:
    if applier is None:
        return
    if applier["message"]:
        yield applier["message"]
    elif applier["state"] == "not running":
        yield f"no applier runs (`{go_on['apply']}`)"
    elif applier["state"] == "silent":
        yield (
            f"the applier's leases ran out {applier['silent_s']:.0f} s ago: it was killed, or"
            f" cannot reach Kafka, which its log says (`{go_on['apply']}`)"
        )


def _done(run: Answer) -> str:
    if run["done"]:
        return f"{run['rows']} rows sent, waiting for its marker"
    if not run["estimate"]:
        return f"{run['rows']} rows so far"
    share = min(99, run["rows"] * 100 // run["estimate"])
    return f"{run['rows']} of about {run['estimate']} rows ({share} %)"


def _size(count: int) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024:
            return f"{count:.0f} {unit}"
        count //= 1024
    return f"{count} TiB"
