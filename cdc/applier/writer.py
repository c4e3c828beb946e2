"""Writing a batch's rows: all at once, or so that those which fail stand alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from cdc.applier.collapse import Broken, collapse
from cdc.applier.ports import Stopped, Target, TargetTable, Verdict
from cdc.applier.records import Item
from cdc.applier.writes import Shaper, Statement, Verb, Work, statements


class BrokenError(Exception):
    """A record of the batch can never be applied: for the careful way."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A key that could not be written."""

    work: Work
    verdict: Verdict
    """CONFLICT or UNFIT."""
    reason: str


class Writer:
    """Writes rows in the transaction that is open."""

    def __init__(
        self, connection: Connection, target: Target, tables: Mapping[str, TargetTable],
        shaper: Shaper,
    ) -> None:  # fmt: skip
        """`tables` by topic."""
        self._connection, self._target, self._tables = connection, target, tables
        self._shaper = shaper
        self.rows = 0
        """Keys written so far."""

    def works(self, items: Sequence[Item]) -> list[Work]:
        """The items, collapsed per key."""
        by_key: dict[tuple[str, bytes | None], list[Item]] = {}
        for item in items:
            by_key.setdefault((item.record.topic, item.record.key), []).append(item)
        return [
            Work(self._tables[topic], group, collapse(group))
            for (topic, _), group in by_key.items()
        ]

    def write(self, works: Sequence[Work]) -> None:
        """All of them, or the error of the first that fails."""
        for work in works:
            if isinstance(work.outcome, Broken):
                raise BrokenError(work.outcome.reason)
        for statement in statements(works, self._shaper):
            self._execute(statement)
        self.rows += len(works)

    def carefully(self, works: Sequence[Work], patience: int | None = None) -> list[Failure]:
        """Halve what fails until each failing key stands alone; everything else is written.

        After `patience` failures the rest counts as failed without having been tried.
        """
        failures: list[Failure] = []
        left = [list(works)] if works else []
        while left:
            some = left.pop()
            if patience is not None and len(failures) >= patience:
                failures += [Failure(work, Verdict.CONFLICT, "") for work in some]
            elif (failure := self._attempt(some)) is not None:
                if len(some) == 1:
                    failures.append(failure)
                else:
                    middle = len(some) // 2
                    left += [some[middle:], some[:middle]]
        return failures

    def _attempt(self, works: Sequence[Work]) -> Failure | None:
        """Write in a savepoint; what stopped it, if a row did."""
        rows = self.rows
        try:
            with self._connection.begin_nested():
                self.write(works)
                self._target.settle(self._connection)
        except Stopped:
            raise
        except BrokenError as error:
            self.rows = rows
            return Failure(works[0], Verdict.UNFIT, str(error))
        except Exception as error:
            self.rows = rows
            verdict = self._target.judge(error)
            if verdict not in {Verdict.CONFLICT, Verdict.UNFIT}:
                raise
            return Failure(works[0], verdict, self._reason(works, error))
        return None

    def _reason(self, works: Sequence[Work], error: Exception) -> str:
        if len(works) > 1:
            return ""
        row = getattr(works[0].outcome, "row", None) or getattr(works[0].outcome, "key", {})
        return self._target.explain(self._connection, works[0].table, row, error)

    def _execute(self, statement: Statement) -> None:
        to, table, rows = self._target, statement.table, statement.rows
        if statement.verb is Verb.DELETE:
            to.delete(self._connection, table, statement.key, rows)
        elif statement.verb is Verb.UPSERT:
            to.upsert(self._connection, table, statement.key, statement.columns, rows)
        else:
            to.update(self._connection, table, statement.key, statement.columns, rows)
