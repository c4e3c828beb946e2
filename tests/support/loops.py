"""The compiled writing of the relay's inner loops, where there is one."""

from __future__ import annotations

import importlib
import shutil
import struct
import sysconfig
from pathlib import Path

import pytest

BROKEN = (ValueError, IndexError, KeyError, struct.error)
"""What reading a broken row raises."""


def compiled():
    """The module. Where it could be built and is not, that is a failure and no reason to skip."""
    try:
        return importlib.import_module("cdc.loops.compiled")
    except ImportError:
        compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
        if shutil.which(compiler) is None:
            pytest.skip(f"no C compiler ({compiler}) was there when this was installed")
        if not Path(sysconfig.get_path("include"), "Python.h").exists():
            pytest.skip("Python's headers were not there when this was installed")
        raise
