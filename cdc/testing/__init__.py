"""Shipped fakes of the relay's ports, for the tests of whoever embeds it."""

from cdc.testing.log import ScriptedControl, ScriptedSource, marker
from cdc.testing.reader import ScriptedReader
from cdc.testing.sink import MemoryCheckpoints, MemorySink, Sent

__all__ = [
    "MemoryCheckpoints",
    "MemorySink",
    "ScriptedControl",
    "ScriptedReader",
    "ScriptedSource",
    "Sent",
    "marker",
]
