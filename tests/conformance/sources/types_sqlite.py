"""Values of SQLite, which types values and not columns: (type, {literal: value in an envelope}).

`DEAD` stands for a value that has no form in JSON under its column's kind, and must not look as if
it had one.
"""

DEAD = object()

TYPES = {
    "integer": (
        "INTEGER",
        {"1": 1, "-9223372036854775808": -9223372036854775808, "1.5": 1.5, "'abc'": "abc",
         "'12'": 12, "2.0": 2, "NULL": None, "9223372036854775807": 9223372036854775807,
         "x'00ff'": DEAD},
    ),
    "bigint": ("bigint unsigned", {"4294967296": 4294967296}),
    "real": (
        "REAL",
        {"1": 1.0, "0.1": 0.1, "5e-324": 5e-324, "9e999": "Infinity", "-9e999": "-Infinity",
         "0.30000000000000004": 0.30000000000000004, "1e308": 1e308, "'abc'": "abc"},
    ),
    "text": (
        "TEXT",
        {"''": "", "'NULL'": "NULL", "NULL": None, "1": "1", "1.5": "1.5",
         "'ünï 日本 😀'": "ünï 日本 😀", "'a' || char(10) || char(1)": "a\n\x01",
         "'a' || char(0) || 'b'": "a\0b", "'\"q\" ''s'''": "\"q\" 's'", "x'6162'": DEAD,
         "CAST(x'ff' AS TEXT)": DEAD},
    ),
    "varchar": ("varchar(3)", {"'longer than three'": "longer than three"}),
    "blob": (
        "BLOB",
        {"x''": "", "x'deadbeef'": "3q2+7w==", "NULL": None, "'text'": DEAD, "5": 5, "1.5": 1.5},
    ),
    "large_blob": ("BLOB", {"zeroblob(200000)": ...}),
    "untyped": (
        "", {"1": 1, "1.0": 1.0, "'1'": "1", "NULL": None, "x'00'": DEAD, "9e999": DEAD},
    ),
    "bool": ("bool", {"1": True, "0": False, "NULL": None, "2": 2, "'t'": "t", "0.5": 0.5}),
    "decimal": (
        "decimal",
        {"0.10": "0.1", "5": "5", "12345678901234567": "12345678901234567", "'abc'": "abc",
         "1e20": ..., "-0.5": "-0.5", "NULL": None},
    ),
    "date": ("date", {"'2026-11-24'": "2026-11-24", "'0044-03-15 BC'": "0044-03-15 BC"}),
    "datetime": (
        "datetime",
        {"'2026-11-24 09:30:00.250000'": "2026-11-24 09:30:00.250000", "1763976600": 1763976600,
         "'infinity'": "infinity"},
    ),
    "time": ("time", {"'24:00:00'": "24:00:00", "'09:30:00.000001'": "09:30:00.000001"}),
    "uuid": ("char(32)", {"'a0eebc999c0b4ef8bb6d6bb9bd380'": "a0eebc999c0b4ef8bb6d6bb9bd380"}),
    "json": ("JSON", {"""'{"b": 1,  "a": 1.10}'""": '{"b": 1,  "a": 1.10}', "NULL": None}),
    "string": ("STRING", {"'007'": 7, "'a'": "a"}),
}  # fmt: skip
