"""Starting ours: whose command, under what, and where."""

import json
import os
import sys
from pathlib import Path

import pytest

from bench.peers.strangler import Strangler
from bench.processes import Cores
from bench.setup import Setup

HERE = frozenset(os.sched_getaffinity(0))
SETUP = Setup("one", 1, canary=False, old=1, new=2)
SERVER = """
import json, os, socket, sys, time
port = int(sys.argv[sys.argv.index("--listen") + 1].rpartition(":")[2])
told = {"words": sys.argv[1:3], "cwd": os.getcwd(), "seed": os.environ.get("PYTHONHASHSEED")}
open("told", "w").write(json.dumps(told))
server = socket.create_server(("127.0.0.1", port))
time.sleep(600)
"""


@pytest.fixture
def command(tmp_path):
    script = tmp_path / "another"
    script.write_text(SERVER)
    return script


def test_another_command_runs_under_an_instrument_with_its_environment(command, tmp_path):
    folder = tmp_path / "side"
    folder.mkdir()
    peer = Strangler("base", command=command, under=(sys.executable,), env={"PYTHONHASHSEED": "7"})
    assert peer.absent() is None
    with peer.start(SETUP, Cores(HERE, HERE), folder).child:
        told = json.loads((folder / "told").read_text())
    assert told == {"words": ["serve", "--routes"], "cwd": str(folder), "seed": "7"}


def test_a_command_that_is_not_there_is_absent():
    assert Strangler(command=Path("/no/such/command")).absent() is not None
