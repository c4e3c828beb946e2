"""Where a side is installed, and what becomes of it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bench import procfs
from bench.against import builds
from bench.against.builds import KEPT, BuildError, Side, alone, built, complete, finish, prune
from bench.against.commits import Code

CODE = Code("HEAD~1 (0123456789)", "1" * 40)
OTHER = Code("the working tree", "2" * 40)


def nothing(_text):
    """No progress."""


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Codes that were installed, where installing is only told."""
    done = []

    def build(_root, code, folder, wanted):
        folder.mkdir(exist_ok=True)
        (folder / "complete").write_text(builds._mark(wanted))
        done.append(code)

    monkeypatch.setattr(builds, "_build", build)
    monkeypatch.setattr(builds, "_constraints", lambda: "uvloop==1")
    return done


def made(place, name, used):
    folder = place / name
    folder.mkdir()
    (folder / "complete").touch()
    os.utime(folder / "complete", (used, used))
    return folder


def test_both_sides_are_installed_once(installed, tmp_path):
    with alone(tmp_path):
        base, this = built(tmp_path, [("base", CODE), ("this", OTHER)], nothing)
        again = built(tmp_path, [("base", CODE), ("this", OTHER)], nothing)
    assert installed == [CODE, OTHER]
    assert again == [base, this]
    assert len(str(base.command)) == len(str(this.command))
    assert base.python.parent == base.command.parent


def test_other_packages_are_another_build(installed, monkeypatch, tmp_path):
    with alone(tmp_path):
        built(tmp_path, [("base", CODE)], nothing)
        monkeypatch.setattr(builds, "_constraints", lambda: "uvloop==2")
        built(tmp_path, [("base", CODE)], nothing)
    assert installed == [CODE, CODE]


def test_a_build_that_was_cut_short_is_not_complete(tmp_path):
    assert not complete(tmp_path, "")
    (tmp_path / "complete").write_text("")
    assert not complete(tmp_path, "")
    (tmp_path / "complete").write_text(builds._mark(""))
    assert complete(tmp_path, "")


def test_what_was_used_longest_ago_goes_first(tmp_path):
    folders = [made(tmp_path, f"{n}", used=1000 + n) for n in range(KEPT + 2)]
    (tmp_path / "cut short").mkdir()
    (tmp_path / "lock").touch()
    prune(tmp_path, {folders[0]})
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {"lock", "0", *(str(n) for n in range(3, KEPT + 2))}


def test_two_comparisons_do_not_disturb_each_other(tmp_path):
    with (
        alone(tmp_path),
        pytest.raises(BuildError, match="another comparison runs"),
        alone(tmp_path),
    ):
        pass
    with alone(tmp_path):
        pass


def test_a_failing_command_is_told_with_the_end_of_its_output(tmp_path):
    with pytest.raises(BuildError, match="no such version"):
        finish([sys.executable, "-c", "raise SystemExit('no such version')"], tmp_path)


def test_what_runs_is_the_side_s_own_code(tmp_path):
    """Even where the folder of the harness has a package of the same name."""
    with pytest.raises(BuildError, match="not what runs"):
        builds._check_whose_code(Path(sys.executable), tmp_path)


def test_a_side_s_processes_hash_alike_and_look_at_no_other_folder():
    env = Side.env(3)
    assert env == {"PYTHONHASHSEED": "3", "PYTHONSAFEPATH": "1", "PYTHONPATH": ""}


INSTALLING = """
import signal, sys
from pathlib import Path
from bench.against.builds import finish
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
finish(["sh", "-c", "sleep 600; true"], Path(sys.argv[1]))
"""


def test_what_installs_is_ended_by_sigterm_with_all_that_it_started(tmp_path):
    root = Path(builds.__file__).parents[2]
    harness = subprocess.Popen([sys.executable, "-c", INSTALLING, tmp_path], cwd=root)
    deadline = time.monotonic() + 20
    while len(tree := procfs.tree(harness.pid)) < 3:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    harness.terminate()
    assert harness.wait(20) == 143
    assert not any(procfs.alive(pid) for pid in tree)
