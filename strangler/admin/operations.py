"""Every question and every change, on the store: what the admin API and the commands share.

Nothing here speaks HTTP, reads a file or waits. Methods block on the store, so the gateway calls
them from a thread. What cannot be done is a `Failure` with a sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from strangler.admin import judge
from strangler.admin.answers import Done, Plan, VersionInfo, unchanged, version_info
from strangler.admin.explain import Explanation, Request, explain
from strangler.admin.failures import Failure, Kind, translated
from strangler.admin.keys import cookie_key
from strangler.admin.status import ReplicaStatus, Runtime, Status, replicas_of, status_of
from strangler.config.edit import set_split, set_version
from strangler.config.load import Checked
from strangler.config.model import Table
from strangler.config.rules import check_owners
from strangler.kit.problems import ConfigError
from strangler.rollout import moves, restart
from strangler.rollout.document import document, same, shares_text
from strangler.rollout.plan import Change, diff, summary
from strangler.rollout.rebase import Prefer, merge
from strangler.rollout.versions import Proposal, Source, TableVersion, VersionStore

CheckText: TypeAlias = Callable[[str], Checked]
"""Everything that can be said about a text, with this process's environment and sections."""


@dataclass(frozen=True, slots=True)
class Who:
    """Who asks, and why."""

    author: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Draft:
    """A text on its way to be the next version."""

    text: str
    source: Source
    scope: str = ""


class Operations:
    """What can be asked of a store."""

    def __init__(
        self,
        store: VersionStore,
        check: CheckText,
        *,
        secret: str | None = None,
        runtime: Runtime | None = None,
    ) -> None:
        """`secret` is STRANGLER_SECRET; `runtime` is there in a running gateway only."""
        self.store = store
        self._check = check
        self._secret = secret
        self._runtime = runtime

    # -- questions -----------------------------------------------------------------------------

    def plan(self, text: str, saved: judge.Edit | None = None) -> Plan:
        """What making that text live would do; problems of the text are a `Failure`."""
        with translated():
            return self._plan(text, self.store.newest(), saved)

    def status(self) -> Status:
        """The live table, who serves it, and what its groups ask for and get."""
        with translated():
            live = self.store.newest()
            table = self._check(live.text).table if live else None
            return status_of(live, table, self.store.replicas(), self._owners(), self._runtime)

    def replicas(self) -> tuple[ReplicaStatus, ...]:
        """Who serves the store's tables; cheap, as commands that wait ask it over and over."""
        with translated():
            return replicas_of(self.store.replicas(), self.store.number())

    def history(self, limit: int = 20) -> list[VersionInfo]:
        """Versions, newest first."""
        with translated():
            return [version_info(version) for version in self.store.history(limit)]

    def version(self, number: int) -> TableVersion:
        """One version with its text."""
        with translated():
            found = self.store.version(number)
        if found is None:
            raise Failure(Kind.NOT_FOUND, f"there is no version {number}: see `strangler history`")
        return found

    def diff(self, before: int, after: int | None) -> list[Change]:
        """What changed between two versions; None is the live one."""
        with translated():
            last = self._live() if after is None else self.version(after)
            return list(diff(self.version(before).text, last.text))

    def explain(self, request: Request, text: str | None = None) -> Explanation:
        """Where a request goes, under the live table or under a text of one's own."""
        with translated():
            if text is None and self.store.number() == 0:
                raise Failure(Kind.NOT_FOUND, "no table is live yet: --file asks the file")
            table = self._compiled(self._live().text if text is None else text)
            return explain(table, request, cookie_key(self.store, self._secret))

    # -- changes -------------------------------------------------------------------------------

    def apply(
        self,
        text: str,
        who: Who,
        *,
        revert: bool = False,
        dry_run: bool = False,
        saved: judge.Edit | None = None,
        source: Source = Source.APPLY,
    ) -> Done:
        """Make a text live. It must be the live version + 1 and take nothing back unasked."""
        with translated():
            live = self.store.newest()
            plan = self._plan(text, live, saved)
            if plan.blocked:
                self._note_refusal(who, source, plan.blocked, dry_run=dry_run)
                raise Failure(Kind.CONFLICT, plan.blocked)
            if plan.takes_back and not revert:
                message = judge.taking_back(plan.takes_back)
                self._note_refusal(who, source, message, dry_run=dry_run)
                raise Failure(Kind.CONFLICT, message)
            if live is not None and plan.proposed == live.number:
                return unchanged(live, dry_run=dry_run)
            return self._commit(_Draft(text, source), live, who, dry_run=dry_run)

    def canary(
        self,
        route: str,
        percent: int | None,
        who: Who,
        *,
        to: Mapping[str, int] | None = None,
        dry_run: bool = False,
    ) -> Done:
        """Give the new side that share (hundredths) of a route's group; the rest stays old."""

        def shares(table: Table, scope: moves.Scope) -> dict[str, int]:
            return moves.canary(table, scope, percent, to or {})

        return self._move(route, Source.CANARY, shares, who, dry_run=dry_run)

    def cutover(
        self, route: str, who: Who, *, to: str | None = None, dry_run: bool = False
    ) -> Done:
        """Give the new side all of a route's group."""

        def shares(table: Table, scope: moves.Scope) -> dict[str, int]:
            return moves.cutover(table, scope, to)

        return self._move(route, Source.CUTOVER, shares, who, dry_run=dry_run)

    def rollback(self, route: str, who: Who, *, dry_run: bool = False) -> Done:
        """Give all of a route's group back to the side before."""

        def shares(_table: Table, scope: moves.Scope) -> dict[str, int]:
            return moves.rollback(scope, self._earlier(scope))

        return self._move(route, Source.ROLLBACK, shares, who, dry_run=dry_run)

    def undo(self, who: Who, *, to: int | None = None, dry_run: bool = False) -> Done:
        """Make the version before the live one live again under a new number, or version `to`."""
        with translated():
            live = self._live()
            before = self.store.history(1, before=live.number)
            if to is None and not before:
                raise Failure(Kind.REFUSED, f"version {live.number} is the first: nothing to undo")
            target = self.version(to) if to is not None else before[0]
            if same(target.text, live.text):
                raise Failure(Kind.REFUSED, f"version {target.number} is what is live already")
            text = set_version(target.text, live.number + 1)
            draft = _Draft(text, Source.UNDO, f"back to version {target.number}")
            return self._commit(draft, live, who, dry_run=dry_run)

    def rebase(self, text: str, prefer: Prefer | None = None) -> Done:
        """The text's edits on top of the live table, ready to be applied; nothing is written."""
        with translated():
            live = self._live()
            base = judge.base_of(text, self.store, live)
            merged = merge(base.text, text, live.text, prefer)
            if merged.text is None:
                raise Failure(
                    Kind.CONFLICT,
                    f"the file's edits (made from version {base.number}) and what went live "
                    f"since meet in {', '.join(merged.conflicts)}: "
                    "--prefer file or --prefer live decides",
                )
            edited = not same(merged.text, live.text)
            text = set_version(merged.text, live.number + 1) if edited else live.text
            changes = diff(live.text, text)
            return Done(live.number + edited, live.number, changes, dry_run=True, text=text)

    # -- parts ---------------------------------------------------------------------------------

    def _live(self) -> TableVersion:
        live = self.store.newest()
        if live is None:
            raise Failure(
                Kind.NOT_FOUND,
                "no table is live yet: `strangler serve` or `strangler apply` makes one",
            )
        return live

    def _compiled(self, text: str) -> Table:
        return self._accepted(text)[0]

    def _accepted(self, text: str) -> tuple[Table, tuple[str, ...]]:
        """The table and its warnings; raises ConfigError with everything that speaks against it."""
        checked = self._check(text)
        if checked.table is None:
            raise ConfigError("routes.yaml", checked.errors)
        if problems := check_owners(checked.table, self._owners()):
            raise ConfigError("routes.yaml", problems)
        return checked.table, tuple(problem.at("routes.yaml") for problem in checked.warnings)

    def _owners(self) -> dict[str, str]:
        return {group: owner.upstream for group, owner in self.store.owners().items()}

    def _plan(self, text: str, live: TableVersion | None, saved: judge.Edit | None) -> Plan:
        table, warnings = self._accepted(text)
        if live is None:
            plan = Plan(0, table.version, diff(judge.EMPTY, text))
        else:
            plan = judge.judge(text, table.version, live, self.store, saved)
            warnings += restart.advice(restart.changed_in_text(live.text, text))
        return replace(plan, warnings=warnings)

    def _move(
        self,
        name: str,
        source: Source,
        shares: Callable[[Table, moves.Scope], dict[str, int]],
        who: Who,
        *,
        dry_run: bool,
    ) -> Done:
        with translated():
            live = self._live()
            table = self._compiled(live.text)
            scope = moves.scope_of(table, name)
            wanted = shares(table, scope)
            text = set_version(set_split(live.text, scope.names, wanted), live.number + 1)
            if same(text, live.text):
                done = unchanged(
                    live, f"{scope}, already at {shares_text(wanted)}", dry_run=dry_run
                )
            else:
                draft = _Draft(text, source, str(scope))
                done = self._commit(draft, live, who, dry_run=dry_run)
            return replace(done, warnings=(*done.warnings, *moves.cautions(table, scope)))

    def _earlier(self, scope: moves.Scope) -> Iterable[dict[str, int]]:
        """The scope's splits in earlier versions, newest first, as far back as they go."""
        before: int | None = None
        while page := self.store.history(50, before):
            for version in page:
                shares = moves.shares_of(document(version.text), scope)
                if shares is not None:
                    yield shares
            before = page[-1].number

    def _commit(self, draft: _Draft, live: TableVersion | None, who: Who, *, dry_run: bool) -> Done:
        table, warnings = self._accepted(draft.text)
        previous = live.text if live else judge.EMPTY
        changes = diff(previous, draft.text)
        if live is not None:
            warnings += restart.advice(restart.changed_in_text(previous, draft.text))
        done = Done(
            version=table.version,
            previous=live.number if live else 0,
            changes=changes,
            dry_run=dry_run,
            scope=draft.scope,
            warnings=warnings,
            text=draft.text,
            previous_text=live.text if live else "",
        )
        if not dry_run:
            proposal = Proposal(
                number=table.version,
                text=draft.text,
                author=who.author,
                source=draft.source,
                reason=who.reason,
                summary=summary(changes) if live else "the first table",
                owners=judge.first_owners(table, self.store.owners()),
            )
            self.store.commit(proposal, expected=done.previous)
        return done

    def _note_refusal(self, who: Who, source: Source, message: str, *, dry_run: bool) -> None:
        """The audit log also tells what was tried; a file's watch would repeat itself there."""
        if not dry_run and source is not Source.FILE:
            self.store.record(who.author, "refused", f"{source}: {message}")
