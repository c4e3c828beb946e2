"""A folder that PostgreSQL can enter when root runs the tests: pytest's own are closed."""

import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture
def open_folder():
    folder = Path(tempfile.mkdtemp(prefix="strangler-test-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
