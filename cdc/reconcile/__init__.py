"""Compares both sides of a stream while writes go on, and repairs through the same pipe.

    verify(stream)         -> Report        every row of every table, once
    continuous(stream, …)  -> Look, Look …  the same for as long as the stream runs, slowly
    repair(stream, …)      -> RepairReport  single rows once more through the pipe
    probe(stream)          -> ProbeReport   one marker through all stages, and the time of each

**How rows are compared.** Each database hashes its own rows: every value is written as a
*canonical text* that both would write for the same value (`forms`), the texts are joined so that
no two rows look alike (`canonical.line`), and the MD5s of many rows are summed. Only sums travel.
Where they differ, the rows are split by a hash of their key until single rows are named. Rows are
summed in ranges of the key where both databases sort it alike, which is where it is made of
integers (or UUIDs between two PostgreSQL databases); texts sort by collations, which differ, so
those tables are summed in one pass with a sum for each bucket of keys. Converted tables, and JSON
that two databases write differently, are compared in Python.

**Rows that are on their way.** A row that differs is looked at again after a barrier: a marker
that was written at the source and has come out of the pipe. `settle` says when that counts.

**What is not seen.** Columns that are masked, excluded or on one side only; the report names them.
A row that was written between every two looks is `unsettled`, and the answer then `unknown`.
Two different ranges of rows have the same sum by chance once in about 2**60.
"""

from cdc.reconcile.barrier import BarrierError
from cdc.reconcile.continuous import Budget, Look, Position, continuous
from cdc.reconcile.desk import Options
from cdc.reconcile.plan import ReconcileError
from cdc.reconcile.probe import ProbeReport, probe
from cdc.reconcile.repair import RepairReport, repair, repair_all
from cdc.reconcile.report import Difference, Lack, Outcome, Report, TableReport
from cdc.reconcile.verify import verify

__all__ = [
    "BarrierError",
    "Budget",
    "Difference",
    "Lack",
    "Look",
    "Options",
    "Outcome",
    "Position",
    "ProbeReport",
    "ReconcileError",
    "RepairReport",
    "Report",
    "TableReport",
    "continuous",
    "probe",
    "repair",
    "repair_all",
    "verify",
]
