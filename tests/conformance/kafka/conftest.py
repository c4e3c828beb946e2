"""The suite of the sink and the reader runs on every broker there is."""

from __future__ import annotations

from uuid import uuid4

import pytest
from support.kafka import tansu
from support.shared import forget_topics, shared_kafka


@pytest.fixture(scope="session", params=["embedded", "apache"])
def address(request):
    """`host:port` of a broker."""
    if request.param == "apache":
        yield shared_kafka()
        return
    with tansu() as found:
        yield found


@pytest.fixture
def prefix():
    """Begins the names of a test's own topics and streams."""
    name = f"t{uuid4().hex[:12]}"
    yield name
    forget_topics(name)


@pytest.fixture
def faithful(request):
    """Only where the broker does all that Kafka does.

    The embedded one shows aborted records, deletes none, and takes any offset for one to wait at.
    """
    if "embedded" in request.node.callspec.id:
        pytest.skip("the embedded broker does not do this")


@pytest.fixture
def leaking(request):
    """Only where aborted records show."""
    if "embedded" not in request.node.callspec.id:
        pytest.skip("only the embedded broker shows aborted records")
