"""Setting up and taking away what a stream needs at its source: for the command line."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from strangler.admin.failures import Failure, Kind
from strangler.cdc_failures import failures
from strangler.relays import Which, home, stream

if TYPE_CHECKING:
    from cdc.config.model import Stream


def prepare(which: Which, action: str) -> dict[str, Any]:
    """What the source lacks (`check`), the same mended (`apply`), or every trace removed."""
    from cdc.bootstrap import forget_checkpoint
    from cdc.config.names import command
    from cdc.sources import open_preflight

    with failures():
        wanted = stream(which)
        with closing(open_preflight(wanted)) as preflight:
            statements = []
            if action == "apply":
                statements = list(preflight.apply())
            elif action == "undo":
                _nobody_works(wanted, which)
                statements = list(preflight.undo())
                forget_checkpoint(wanted, home(which))
            findings = [] if action == "undo" else preflight.check()
    return {
        "stream": wanted.name,
        "action": action,
        "statements": statements,
        "findings": [
            {"what": f.what, "remedy": f.remedy, "fatal": f.fatal, "applies": f.applies}
            for f in findings
        ],
        "ready": not any(f.fatal for f in findings),
        "next": {"run": command("run", wanted), "apply": command("init", wanted, "--apply")},
    }


def _nobody_works(wanted: Stream, which: Which) -> None:
    """Refuse to take a stream away from under its processes, before anything is removed."""
    from cdc.config.names import command
    from cdc.standing import workers

    if found := workers(wanted, home(which).store):
        raise Failure(
            Kind.REFUSED,
            f"the stream {wanted.name} is in use: {', and '.join(found)}. Stop them (SIGTERM), then"
            f" `{command('init', wanted, '--undo')}`; one that was killed counts for up to 15 s",
        )
