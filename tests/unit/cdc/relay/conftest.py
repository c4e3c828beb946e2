import pytest

from cdc.relay import chores, session


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """A relay looks ten times as often whether something is due: here nobody else needs the CPU."""
    for module, name in (
        (session, "CHECKPOINT_EVERY"),
        (session, "WAIT"),
        (chores, "REPORT_EVERY"),
        (chores, "LOOK_EVERY"),
    ):
        monkeypatch.setattr(module, name, getattr(module, name) / 10)
