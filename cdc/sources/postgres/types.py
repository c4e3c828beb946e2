"""PostgreSQL's built-in types: what kind of value each holds.

Object identifiers are those of `pg_type.dat`, which never change. Domains count as what they are
made of; whatever is not here (arrays, ranges, enums, extensions' types) is its own text.
"""

from __future__ import annotations

from typing import Final

from cdc.change import Kind

_KINDS: Final = {
    16: Kind.BOOLEAN,
    17: Kind.BINARY,
    20: Kind.INTEGER,  # int8
    21: Kind.INTEGER,  # int2
    23: Kind.INTEGER,  # int4
    26: Kind.INTEGER,  # oid
    700: Kind.FLOAT,  # float4
    701: Kind.FLOAT,  # float8
    1700: Kind.DECIMAL,
    18: Kind.TEXT,  # "char"
    19: Kind.TEXT,  # name
    25: Kind.TEXT,
    1042: Kind.TEXT,  # character, blank-padded
    1043: Kind.TEXT,  # character varying
    1082: Kind.DATE,
    1083: Kind.TIME,
    1266: Kind.TIME,  # with time zone
    1114: Kind.TIMESTAMP,
    1184: Kind.TIMESTAMPTZ,
    1186: Kind.INTERVAL,
    114: Kind.JSON,
    3802: Kind.JSON,  # jsonb
    2950: Kind.UUID,
}


def kind_of(oid: int) -> Kind:
    """The kind of a base type."""
    return _KINDS.get(oid, Kind.OTHER)
