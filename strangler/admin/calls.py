"""The admin API's calls: a name, what a JSON body must hold, and the operation it leads to.

The HTTP application and the command line without a gateway go through the same table, so that a
command does the same either way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from strangler.admin.answers import as_json
from strangler.admin.explain import Request
from strangler.admin.failures import Failure, Kind
from strangler.admin.judge import Edit
from strangler.admin.operations import Operations, Who
from strangler.kit.quantities import hundredths

Body: TypeAlias = Mapping[str, Any]

_LONGEST_AUTHOR: Final = 200
"""As wide as the store's column."""
_BYTES: Final = re.compile(r"[^\ud800-\udbff\udd00-\udfff]*")
"""Text that stands for bytes; \\udc80 to \\udcff are those that are no UTF-8."""


@dataclass(frozen=True, slots=True)
class Call:
    """One thing that can be asked for."""

    run: Callable[[Operations, Body], Any]
    changes: bool = False
    """Whether it changes what is live: for operators only, and the working copy follows."""
    method: str = "POST"


def perform(operations: Operations, name: str, body: Body) -> Any:
    """Run a call and give its answer as JSON types; raises `Failure`."""
    return as_json(CALLS[name].run(operations, body))


def _plan(operations: Operations, body: Body) -> Any:
    return operations.plan(_text(body, "text"), _edit(body))


def _apply(operations: Operations, body: Body) -> Any:
    return operations.apply(
        _text(body, "text"),
        _who(body),
        revert=_flag(body, "revert"),
        dry_run=_flag(body, "dry_run"),
        saved=_edit(body),
    )


def _canary(operations: Operations, body: Body) -> Any:
    percent, to = _optional(body, "percent"), body.get("to") or {}
    if not isinstance(to, Mapping):
        raise Failure(Kind.USAGE, "`to` must be an object of upstreams and percentages")
    if (percent is None) != bool(to):
        raise Failure(Kind.USAGE, "say how much: canary ROUTE PERCENT, or --to NAME=PERCENT")
    return operations.canary(
        _text(body, "route"),
        None if percent is None else _percent(percent),
        _who(body),
        to={str(name): _percent(share) for name, share in to.items()},
        dry_run=_flag(body, "dry_run"),
    )


def _cutover(operations: Operations, body: Body) -> Any:
    return operations.cutover(
        _text(body, "route"),
        _who(body),
        to=_optional(body, "to"),
        dry_run=_flag(body, "dry_run"),
    )


def _rollback(operations: Operations, body: Body) -> Any:
    return operations.rollback(_text(body, "route"), _who(body), dry_run=_flag(body, "dry_run"))


def _undo(operations: Operations, body: Body) -> Any:
    to = _optional(body, "to")
    return operations.undo(
        _who(body), to=None if to is None else _number(to), dry_run=_flag(body, "dry_run")
    )


def _rebase(operations: Operations, body: Body) -> Any:
    prefer = _optional(body, "prefer")
    if prefer not in {None, "file", "live"}:
        raise Failure(Kind.USAGE, "`prefer` is `file` or `live`")
    return operations.rebase(_text(body, "text"), prefer)  # type: ignore[arg-type]


def _explain(operations: Operations, body: Body) -> Any:
    target = _text(body, "target")
    if not target.startswith(("/", "http://", "https://")) and target != "*":
        raise Failure(Kind.USAGE, f"{target!r} is no path: it begins with a slash")
    request = Request(
        _text(body, "method"),
        target,
        tuple(_header(pair) for pair in _list(body, "headers")),
        _optional(body, "client") or "127.0.0.1",
    )
    return operations.explain(request, _optional(body, "text"))


def _history(operations: Operations, body: Body) -> Any:
    return operations.history(_number(body.get("limit", 20)))


def _version(operations: Operations, body: Body) -> Any:
    return operations.version(_number(body.get("number")))


def _diff(operations: Operations, body: Body) -> Any:
    after = body.get("after", "live")
    return operations.diff(_number(body.get("before")), None if after == "live" else _number(after))


def _status(operations: Operations, _body: Body) -> Any:
    return operations.status()


def _replicas(operations: Operations, _body: Body) -> Any:
    return operations.replicas()


CALLS: Mapping[str, Call] = {
    "status": Call(_status, method="GET"),
    "replicas": Call(_replicas, method="GET"),
    "versions": Call(_history, method="GET"),
    "version": Call(_version, method="GET"),
    "diff": Call(_diff, method="GET"),
    "plan": Call(_plan),
    "explain": Call(_explain),
    "rebase": Call(_rebase),
    "apply": Call(_apply, changes=True),
    "canary": Call(_canary, changes=True),
    "cutover": Call(_cutover, changes=True),
    "rollback": Call(_rollback, changes=True),
    "undo": Call(_undo, changes=True),
}


def _text(body: Body, key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value or not _BYTES.fullmatch(value):
        raise Failure(Kind.USAGE, f"`{key}` must be a text")
    return value


def _optional(body: Body, key: str) -> str | None:
    value = body.get(key)
    return None if value is None else str(value)


def _list(body: Body, key: str) -> list[Any]:
    value = body.get(key) or []
    if not isinstance(value, list):
        raise Failure(Kind.USAGE, f"`{key}` must be a list")
    return value


def _header(pair: object) -> tuple[str, str]:
    match pair:
        case [str(name), str(value)] if _BYTES.fullmatch(name + value):
            return name, value
    raise Failure(Kind.USAGE, "a header must be a list of its name and its value")


def _flag(body: Body, key: str) -> bool:
    value = body.get(key, False)
    if not isinstance(value, bool):
        raise Failure(Kind.USAGE, f"`{key}` must be true or false")
    return value


def _number(value: object) -> int:
    text = str(value)
    if not text.isascii() or not text.isdigit() or len(text) > 16:
        raise Failure(Kind.USAGE, f"{text!r} is no version number")
    return int(text)


def _percent(value: object) -> int:
    found = hundredths(str(value).removesuffix("%"))
    if found is None:
        raise Failure(
            Kind.USAGE,
            f"{value!r} is no percentage: write 0 to 100 with up to two decimals, such as 12.5",
        )
    return found


def _who(body: Body) -> Who:
    author, reason = _text(body, "author"), _optional(body, "reason") or ""
    if not author.isprintable() or len(author) > _LONGEST_AUTHOR:
        raise Failure(Kind.USAGE, f"`author` must be one line of at most {_LONGEST_AUTHOR} letters")
    if not all(line.isprintable() for line in reason.splitlines()):
        raise Failure(Kind.USAGE, "`reason` must be plain text: it holds a control character")
    return Who(author, reason)


def _edit(body: Body) -> Edit | None:
    saved = body.get("saved")
    if not isinstance(saved, Mapping):
        return None
    try:
        return Edit(str(saved["author"]), float(saved["at"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Failure(Kind.USAGE, "`saved` needs `author` and `at`") from error
