"""What the demo says, in 80 columns; colours only on a terminal (rich sees to that)."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from strangler.demo.failure import DemoError
from strangler.demo.folder import Folder
from strangler.demo.news import Live, Refused
from strangler.demo.ports import HOST, USUAL, Ports

_PARTS = {
    "gateway": "The gateway: begin here",
    "admin": "The gateway's admin API and metrics",
    "legacy": "The shop, the monolith itself",
    "reviews": "The reviews service",
    "notices": "The notices service, with questions",
    "kafka": "Kafka: the shop's changes, on their way to the services",
}


class Screen:
    """Where a demo tells a person what happens."""

    def __init__(self) -> None:
        width = None if sys.stdout.isatty() else 80
        self.console = Console(highlight=False, width=width)
        self._errors = Console(stderr=True, highlight=False, soft_wrap=True)

    def say(self, text: str = "") -> None:
        """A line or more; may hold rich's markup."""
        self.console.print(text, soft_wrap=True)

    def progress(self, name: str, seconds: float) -> None:
        """A step that is done."""
        self.say(f"[dim]{seconds:6.1f} s[/]  {escape(name)}")

    def other_ports(self, others: Mapping[str, tuple[int, int]]) -> None:
        """Say where something listens because its usual port is taken."""
        for part, (wanted, got) in others.items():
            self.say(f"Port {wanted} is taken, so {part} listens on [bold]{got}[/].")

    def addresses(self, ports: Ports) -> None:
        """The table of addresses."""
        table = Table(box=None, pad_edge=False, header_style="dim")
        table.add_column("Address")
        table.add_column("What answers there")
        for part, text in _PARTS.items():
            scheme = "" if part == "kafka" else "http://"
            table.add_row(f"{scheme}{HOST}:{getattr(ports, part)}", text)
        self.say()
        self.console.print(table)

    def what_next(self, folder: Folder, ports: Ports) -> None:
        """What a person may try, as commands that work where the demo was started."""
        admin = "" if ports.admin == USUAL.admin else f"STRANGLER_ADMIN={HOST}:{ports.admin} "
        command = escape(admin + strangler_from(folder.path))
        gateway = f"http://{HOST}:{ports.gateway}"
        self.say(f"""
Log in as [bold]member1[/] with the password [bold]shop-demo[/]; staff is [bold]admin[/].
Who answered is in each answer's X-Strangler-Route:
  [bold]curl -sI {gateway}/reviews/[/]

Move people from another terminal:
  [bold]cd {escape(quote(_short(folder.path)))}[/]
  [bold]{command} status[/]
  [bold]{command} canary reviews 50[/]
  [bold]{command} cutover reviews[/]
  [bold]{command} rollback reviews[/]
See the services' copies of the shop's data follow it:
  [bold]. ./env && {command} cdc status --watch[/]
Or edit routes.yaml there, with its version + 1, and save: it is live at once,
or you read here why not.
Logs of all parts are in {escape(_short(folder.logs))}.

[bold]Ctrl-C[/] stops everything.""")

    def goes_on(self, version: int) -> None:
        """Say that this is not the first run: what somebody changed is still so."""
        self.say(f"""
It goes on with the table of the last time, [bold]version {version}[/]; to begin anew:
  [bold]{escape(strangler_from(Path.cwd()))} demo --fresh[/]""")

    def refused(self, news: Refused) -> None:
        """A saved table did not go live, and why."""
        self.say("\n[bold red]Not live[/]; the table before is still served:")
        for problem in news.problems:
            self.say(f"  {escape(problem)}")

    def live(self, news: Live) -> None:
        """A table version went live."""
        reason = f": {news.reason}" if news.reason else ""
        self.say(f"\n[bold green]Version {news.version} is live[/]")
        self.say(f"  {escape(news.author + reason)}")

    def revived(self, what: str) -> None:
        """A part died, and runs again."""
        self.say(f"\n[bold yellow]{escape(what)}[/]")

    def failure(self, error: DemoError) -> None:
        """What went wrong, the part's own last words, and what to do."""
        self._errors.print(f"[bold red]{escape(error.what)}[/]")
        if error.log:
            self._errors.print(f"The last lines of {escape(_short(error.log))}:")
            for line in error.lines:
                self._errors.print(f"  {escape(line)}")
        self._errors.print(escape(error.advice))


def strangler_from(folder: Path) -> str:
    """The command `strangler` as it is typed in `folder`."""
    ours = Path(sys.executable).with_name("strangler")
    found = shutil.which("strangler")
    if found and Path(found).resolve() == ours.resolve():
        return "strangler"
    beside = os.path.relpath(ours, folder)
    return quote(beside if len(beside) < len(str(ours)) else str(ours))


def _short(path: Path) -> str:
    """A path as one would type it from here."""
    beside = os.path.relpath(path)
    return str(path) if beside.startswith("..") else beside
