"""The suite of the sink and the reader runs on every broker there is."""

from __future__ import annotations

from uuid import uuid4

import pytest
from support.kafka import tansu

BROKERS = {"embedded": tansu}


@pytest.fixture(scope="session", params=list(BROKERS))
def address(request):
    """`host:port` of a broker."""
    with BROKERS[request.param]() as found:
        yield found


@pytest.fixture
def prefix():
    """Begins the names of a test's own topics and streams."""
    return f"t{uuid4().hex[:12]}"
