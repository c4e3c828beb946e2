"""Apache Kafka, one broker for all tests of a process that do not need more.

It is killed now and then, so it is never the one of STRANGLER_TEST_KAFKA.
"""

from __future__ import annotations

from uuid import uuid4

import pytest
from support.kafka import apache_kafka


@pytest.fixture(scope="session")
def cluster():
    with apache_kafka() as cluster:
        yield cluster


@pytest.fixture
def prefix():
    """Begins the names of a test's own topics and streams."""
    return f"t{uuid4().hex[:12]}"
