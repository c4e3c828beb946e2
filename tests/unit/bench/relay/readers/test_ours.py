"""Ours as a reader: whose command it runs, and with which environment."""

from bench.relay.readers.ours import Ours


def test_another_command_runs_with_its_environment(tmp_path):
    command = tmp_path / "another"
    command.write_text('#!/bin/sh\necho "$1 $2 $3 $PYTHONHASHSEED $SOURCE"\n')
    command.chmod(0o755)
    ours = Ours("fenced", "broker:1", "postgresql://x", tmp_path, stream="base",
                command=command, env={"PYTHONHASHSEED": "7"})  # fmt: skip
    assert ours.once("init", 20).stdout.split() == ["cdc", "init", "base", "7", "postgresql://x"]
