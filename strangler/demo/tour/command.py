"""The real command line, as an operator's terminal would run it."""

from __future__ import annotations

import json
from dataclasses import dataclass

from strangler.demo import process
from strangler.demo.folder import Folder
from strangler.demo.ports import HOST, Ports
from strangler.demo.process import Program
from strangler.demo.programs import STRANGLER


@dataclass(frozen=True)
class CommandLine:
    """`strangler` in a demo's folder."""

    folder: Folder
    ports: Ports

    async def __call__(self, *words: str) -> int:
        """Run a changing command; the table version that is live. Raises `DemoError`."""
        output = self.folder.logs / "command.json"
        output.unlink(missing_ok=True)
        await process.complete(
            Program(
                name=f"`strangler {' '.join(words)}`",
                command=(*STRANGLER, *words, "--json", "--author", "tour", "--reason", "the tour"),
                cwd=self.folder.path,
                log=self.folder.logs / "command.log",
                output=output,
                env={"STRANGLER_ADMIN": f"{HOST}:{self.ports.admin}"},
            )
        )
        return int(json.loads(output.read_text("utf-8"))["version"])
