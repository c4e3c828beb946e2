"""What is measured. A case is named on the command line (`--cases`) and in the report."""

from __future__ import annotations

from bench.cases import closed, idle, latency, stream

CASES = (*closed.CASES, *latency.CASES, *idle.CASES, *stream.CASES)
"""All that every peer is measured on, in order."""
