"""Runs one broker on this machine: `python -m cdc.kafka.serve embedded|apache PORT FOLDER`.

For demos: the process becomes the broker, so whoever started it ends the broker by ending it.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

from cdc.kafka import apache, embedded


def main(kind: str, port: int, folder: Path) -> None:
    """Become the broker. What is missing for it is a sentence and exit code 1."""
    try:
        command = embedded.command(port) if kind == "embedded" else _apache(port, folder)
    except (embedded.NotInstalledError, apache.NotAvailableError) as error:
        sys.exit(str(error))
    os.execvp(command[0], command)  # noqa: S606 - a fixed program with fixed arguments


def _apache(port: int, folder: Path) -> list[str]:
    """The command of a single node; its data stays in `folder`."""
    node = apache.Node(1, port, _free_port(), folder)
    folder.mkdir(parents=True, exist_ok=True)
    node.properties.write_text(apache.settings(node, [node]), "utf-8")
    if not (folder / "data" / "meta.properties").exists():
        subprocess.run(apache.format_command(node), check=True)
    return apache.start_command(node)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
