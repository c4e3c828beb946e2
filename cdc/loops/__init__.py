"""The two innermost loops of the relay: a row of pgoutput to values, values to JSON.

They run for every value of every row, and in Python they are half of what the relay does. So each
is there twice: `plain` in Python, which says what is meant, and `compiled` in Cython, which is used
where it could be built when this was installed. Both give the same for every row that a source can
bring, down to the byte: see tests/conformance/test_loops.py and tests/property/test_cdc_loops.py,
and docs/adr/0029-two-loops-are-compiled.md for the reasons.
"""

from __future__ import annotations

import os
from typing import Final

from cdc.loops.plain import TEXT, Convert, text

__all__ = ["COMPILED", "TEXT", "Convert", "Encoder", "row", "text"]

PLAIN: Final = "STRANGLER_PLAIN_LOOPS"
"""Environment variable: anything but nothing in it has the loops in Python used."""

if os.environ.get(PLAIN):
    COMPILED = False
else:
    try:
        from cdc.loops.compiled import Encoder, row
    except ImportError:
        COMPILED = False
    else:
        COMPILED = True

if not COMPILED:
    from cdc.loops.plain import Encoder, row
