"""Reading /proc."""

import os
import subprocess
import sys
import threading
import time

import pytest

from bench import procfs
from bench.procfs import PAGE, Stat, family, parse_pss, parse_rss, parse_stat

LINE = "42 (a (b) c) S 7 42 42 0 -1 4194560 130 0 0 0 150 25 3 4 20 0 1 0 99 1000 50 18446744"


def test_stat_counts_fields_from_the_last_parenthesis():
    assert parse_stat(LINE) == Stat(42, "a (b) c", 7)


def test_pss_is_in_bytes():
    assert parse_pss("Rss:  9 kB\nPss:      12 kB\nPss_Dirty: 1 kB\n") == 12 * 1024
    with pytest.raises(ValueError, match="Pss"):
        parse_pss("Rss: 9 kB\n")


def test_rss_is_the_second_field_in_pages():
    assert parse_rss("900 3 2 1 0 1 0") == 3 * PAGE


def test_a_family_has_parents_before_children_and_nobody_else():
    parents = {2: 1, 3: 2, 4: 3, 5: 1, 6: 2}
    stats = [Stat(pid, "x", parent) for pid, parent in parents.items()]
    assert family(stats, 2) == [2, 3, 6, 4]
    assert family(stats, 9) == [9]


def test_this_process_and_its_child():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        assert child.pid in procfs.tree(os.getpid())
        assert procfs.rss(os.getpid()) > PAGE
        assert procfs.pss(os.getpid()) > 0
        assert procfs.cpu_us([os.getpid()]) > 0
        assert procfs.alive(child.pid)
    finally:
        child.communicate(b"\n")
    assert not procfs.alive(child.pid)
    assert procfs.cpu_us([child.pid]) == 0


def spin(seconds):
    """Use so much CPU time."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_cpu_time_is_finer_than_a_tick_and_has_threads_that_ended():
    before = procfs.cpu_us([os.getpid()])
    thread = threading.Thread(target=spin, args=[0.002])
    thread.start()
    thread.join()
    assert procfs.cpu_us([os.getpid()]) - before >= 2000
    again = [procfs.cpu_us([os.getpid()]) for _ in range(2)]
    assert 0 < again[1] - again[0] < 10_000
