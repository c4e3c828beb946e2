"""A forked command is a process like one that was started by `python`."""

import os
import signal
import subprocess

import pytest
from support import commands

TABLE = "version: 1\nupstreams: {legacy: {endpoints: [http://127.0.0.1:1]}}\ndefault: legacy\n"


def test_it_has_streams_a_folder_an_environment_and_an_exit_code_of_its_own(tmp_path):
    (tmp_path / "routes.yaml").write_text(TABLE.replace("default: legacy", "default: ${SIDE}"))
    right = commands.run("check", cwd=tmp_path, env={**os.environ, "SIDE": "legacy"})
    assert (right.returncode, right.stderr) == (0, "")
    wrong = commands.run("check", cwd=tmp_path, env={**os.environ, "SIDE": "nobody"})
    assert wrong.returncode == 1
    assert "`${SIDE}` is not the name of an upstream" in wrong.stdout
    assert commands.run("bogus", cwd=tmp_path).returncode == 2


def test_it_says_what_one_that_was_started_says(tmp_path):
    (tmp_path / "routes.yaml").write_text(TABLE.replace("version: 1", "version: one"))
    forked = commands.run("check", cwd=tmp_path)
    started = subprocess.run(
        [*commands.STRANGLER, "check"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert forked.returncode == started.returncode == 1
    assert (forked.stdout, forked.stderr) == (started.stdout, started.stderr)


@pytest.fixture
def waiting(tmp_path):
    """A command that waits for a Kafka that nobody starts."""
    (tmp_path / "old.db").touch()
    table = TABLE + "sync: {s: {source: '${OLD}', kafka: '127.0.0.1:1', tables: [t]}}\n"
    (tmp_path / "routes.yaml").write_text(table)
    env = {**os.environ, "OLD": f"sqlite:///{tmp_path}/old.db"}
    with (tmp_path / "log").open("wb") as log:
        command = commands.Command(
            "cdc", "tail", "s", cwd=tmp_path, env=env, stdout=log, stderr=log
        )
    yield command
    command.kill()
    command.wait(30)


def test_it_can_be_signalled_and_its_end_is_told_as_a_process_s(waiting):
    assert waiting.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(0.05)
    os.kill(waiting.pid, 0)  # it is there under its own number
    waiting.kill()
    assert waiting.wait(30) == -signal.SIGKILL
    assert waiting.poll() == -signal.SIGKILL
    waiting.terminate()  # nothing, as the number may be another's by now
