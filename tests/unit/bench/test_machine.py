"""The description of the machine names no machine."""

import sys
import tempfile

from bench.machine import anonymous, describe, kernel, memory, processor


def test_processor_model():
    assert processor("processor\t: 0\nmodel name\t: A Model @ 2 GHz\n") == "A Model @ 2 GHz"
    assert processor("processor: 0\n")


def test_memory_in_gib_and_kernel_without_its_suffix():
    assert memory("MemTotal:       25165824 kB\nMemFree: 1 kB\n") == 24.0
    assert kernel("6.1.0-provider-host") == "Linux 6.1.0"


def test_everything_has_a_value():
    assert all(describe().values())


def test_published_text_has_no_folders_of_this_machine():
    text = f"{tempfile.gettempdir()}/bench-x/routes.yaml:8:3: wrong ({sys.prefix}/lib)"
    assert anonymous(text) == "/bench-x/routes.yaml:8:3: wrong (/lib)"
