"""What is started is ended, with all that it started."""

import os
import sys
from pathlib import Path

import pytest

from bench import procfs
from bench.processes import Cores, StartError, accepts, free_port, start

SERVER = """
import socket, subprocess, sys, time
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(600)
"""
HERE = frozenset(os.sched_getaffinity(0))


def test_stop_ends_the_tree_and_frees_the_port(tmp_path: Path):
    port = free_port()
    command = [sys.executable, "-c", SERVER, str(port)]
    child = start("server", command, port=port, cores=HERE, folder=tmp_path)
    with child:
        tree = child.tree()
        assert len(tree) == 2
        assert accepts(port)
    assert not any(procfs.alive(pid) for pid in tree)
    assert not accepts(port)


def test_a_process_that_ends_is_no_start(tmp_path: Path):
    command = [sys.executable, "-c", "print('no such thing'); raise SystemExit(3)"]
    with pytest.raises(StartError, match="ended with 3: no such thing"):
        start("broken", command, port=free_port(), cores=HERE, folder=tmp_path)


def test_a_command_that_is_not_there_is_no_start(tmp_path: Path):
    with pytest.raises(StartError):
        start("absent", ["/no/such/command"], port=free_port(), cores=HERE, folder=tmp_path)


def test_the_proxy_has_a_core_of_its_own():
    if len(HERE) < 2:
        pytest.skip("one core")
    cores = Cores.of_this_machine()
    assert len(cores.proxy) == 1
    assert not cores.proxy & cores.load
    assert cores.load
