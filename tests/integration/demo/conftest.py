"""A folder that PostgreSQL can enter when root runs the tests: pytest's own are closed."""

import contextlib
import shutil
import tempfile
from pathlib import Path

import pytest


@contextlib.contextmanager
def temporary():
    folder = Path(tempfile.mkdtemp(prefix="strangler-test-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def open_folder():
    with temporary() as folder:
        yield folder


@pytest.fixture(scope="session")
def kept_folder():
    """For demos one after the other: only the first has to make its data."""
    with temporary() as folder:
        yield folder
