"""The messages of PostgreSQL's logical decoding plugin `pgoutput`, protocol versions 1 and 2.

Source: PostgreSQL's documentation, "Logical Replication Message Formats". Pure: bytes in, what they
say out. `messages` has the words, `rows` the rows, whose values `cdc.loops` reads, `decoder` the
grammar.
"""

from cdc.pgoutput.decoder import Decoder
from cdc.pgoutput.messages import (
    Message,
    Origin,
    ProtocolError,
    RelationColumn,
    RelationMessage,
    StreamAbort,
    StreamCommit,
    Streamed,
    StreamStart,
    StreamStop,
)
from cdc.pgoutput.rows import Shape

__all__ = [
    "Decoder",
    "Message",
    "Origin",
    "ProtocolError",
    "RelationColumn",
    "RelationMessage",
    "Shape",
    "StreamAbort",
    "StreamCommit",
    "StreamStart",
    "StreamStop",
    "Streamed",
]
