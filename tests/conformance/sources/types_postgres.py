r"""Values of PostgreSQL that are easily lost: (type, {literal: the value in an envelope}).

A literal is SQL. `...` stands for a value that has to come back as it was, in whatever form.
"""

SETUP = (
    "CREATE TYPE mood AS ENUM ('sad', 'ok', 'it''s \"fine\"')",
    "CREATE TYPE pair AS (a integer, b text)",
    "CREATE DOMAIN positive AS integer CHECK (VALUE > 0)",
    "CREATE DOMAIN price AS numeric(10, 2)",
    "CREATE DOMAIN words AS text[]",
    'CREATE TYPE "Mood. \'x"" y" AS ENUM (\'a\')',
)

TYPES = {
    "boolean": ("boolean", {"true": True, "false": False, "NULL": None}),
    "smallint": ("smallint", {"-32768": -32768, "32767": 32767, "0": 0}),
    "integer": ("integer", {"-2147483648": -2147483648, "NULL": None}),
    "bigint": (
        "bigint",
        {"-9223372036854775808": -9223372036854775808, "9223372036854775807": 9223372036854775807},
    ),
    "oid": ("oid", {"4294967295": ...}),
    "real": (
        "real",
        {"0.1": 0.1, "1e-40": ..., "3.4028235e38": ..., "'NaN'": "NaN", "'Infinity'": "Infinity",
         "16777217": ..., "'-0'": ...},
    ),
    "double": (
        "double precision",
        {"0.1": 0.1, "1e308": 1e308, "5e-324": 5e-324, "'NaN'": "NaN", "'-Infinity'": "-Infinity",
         "'-0'": ..., "0.30000000000000004": 0.30000000000000004, "9007199254740993": ...},
    ),
    "numeric": (
        "numeric",
        {"0": "0", "0.10": "0.10", "-1.50": "-1.50", "'NaN'": "NaN", "'Infinity'": "Infinity",
         "'-Infinity'": "-Infinity", "1e30": "1" + 30 * "0",
         "0.000000000000000000000000000000000001": "0." + 35 * "0" + "1",
         "123456789012345678901234567890.123456789": "123456789012345678901234567890.123456789"},
    ),
    "numeric_scale": ("numeric(10, 2)", {"0.1": "0.10", "12345678.99": "12345678.99"}),
    "numeric_negative_scale": ("numeric(3, -2)", {"12300": "12300"}),
    "money": ("money", {"'12.34'": ..., "'-1234567.89'": ..., "0": ..., "NULL": None}),
    "text": (
        "text",
        {"''": "", "'a'": "a", "NULL": None, "'NULL'": "NULL", r"E'a\nb\tc\\d'": "a\nb\tc\\d",
         "'ünï 日本 😀'": "ünï 日本 😀", r"E'\u0001\u007f'": "\x01\x7f", "'\\N'": "\\N",
         "'\"quoted\" ''single'''": "\"quoted\" 'single'", "'{1,2}'": "{1,2}"},
    ),
    "varchar": ("varchar(10)", {"'  a  '": "  a  ", "''": ""}),
    "char": ("char(5)", {"'ab'": ..., "''": ...}),
    "name": ("name", {"'abc'": "abc"}),
    "one_char": ('"char"', {"'x'": ...}),
    "bytea": (
        "bytea",
        {r"'\xdeadbeef'": "3q2+7w==", r"'\x'": "", r"'\x00'": "AA==", "NULL": None,
         r"'\x5c5c27'": "XFwn"},
    ),
    "uuid": (
        "uuid",
        {"'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"},
    ),
    "json": (
        "json",
        {"""'{"b": 1,  "a": 2, "a": 3}'""": '{"b": 1,  "a": 2, "a": 3}', "'null'": "null",
         "'1.0'": "1.0", "NULL": None},
    ),
    "jsonb": (
        "jsonb",
        {"""'{"b": 1, "a": [1.10, null, "x"]}'""": '{"a": [1.10, null, "x"], "b": 1}',
         "'null'": "null", "NULL": None, "'1e400'": ...},
    ),
    "xml": ("xml", {"'<a b=\"1\">x</a>'": '<a b="1">x</a>'}),
    "date": (
        "date",
        {"'2026-11-24'": "2026-11-24", "'0044-03-15 BC'": "0044-03-15 BC",
         "'infinity'": "infinity", "'-infinity'": "-infinity", "'5874897-12-31'": "5874897-12-31",
         "'4713-01-01 BC'": "4713-01-01 BC", "'12345-01-01'": "12345-01-01"},
    ),
    "time": (
        "time",
        {"'24:00:00'": "24:00:00", "'00:00:00'": "00:00:00", "'09:30:00.000001'": "09:30:00.000001",
         "'23:59:59.999999'": "23:59:59.999999"},
    ),
    "timetz": (
        "timetz",
        {"'09:30:00+02'": "09:30:00+02", "'24:00:00-15:59'": "24:00:00-15:59",
         "'10:00:00.5+05:30'": "10:00:00.5+05:30"},
    ),
    "timestamp": (
        "timestamp",
        {"'2026-11-24 09:30:00.25'": "2026-11-24 09:30:00.25", "'infinity'": "infinity",
         "'-infinity'": "-infinity",
         "'294276-12-31 23:59:59.999999'": "294276-12-31 23:59:59.999999",
         "'4713-01-01 00:00:00 BC'": "4713-01-01 00:00:00 BC",
         "'0001-01-01 00:00:00'": "0001-01-01 00:00:00"},
    ),
    "timestamp_3": ("timestamp(3)", {"'2026-11-24 09:30:00.2567'": "2026-11-24 09:30:00.257"}),
    "timestamptz": (
        "timestamptz",
        {"'2026-11-24 09:30:00.25+00'": "2026-11-24 09:30:00.25+00",
         "'2026-11-24 09:30:00+05:30'": "2026-11-24 04:00:00+00", "'infinity'": "infinity",
         "'0044-03-15 12:00:00+00 BC'": "0044-03-15 12:00:00+00 BC",
         "'294276-12-31 23:59:59.999999+00'": "294276-12-31 23:59:59.999999+00"},
    ),
    "interval": (
        "interval",
        {"'1 year 2 months 3 days 4:05:06.789'": "P1Y2M3DT4H5M6.789S", "'0'": "PT0S",
         "'-1 day'": "P-1D", "'1 mon -1 day 00:00:01'": "P1M-1DT1S", "'25 hours'": "PT25H",
         "'-00:00:00.000001'": "PT-0.000001S"},
    ),
    "bit": ("bit(5)", {"B'10101'": "10101", "B'00000'": "00000"}),
    "varbit": ("varbit", {"B''": "", "B'0001'": "0001"}),
    "inet": ("inet", {"'192.168.0.1/24'": "192.168.0.1/24", "'::1'": "::1", "'10.0.0.1'": ...}),
    "cidr": ("cidr", {"'10.0.0.0/8'": "10.0.0.0/8", "'2001:db8::/32'": "2001:db8::/32"}),
    "macaddr": ("macaddr", {"'08:00:2b:01:02:03'": "08:00:2b:01:02:03"}),
    "point": ("point", {"'(1.5,-2)'": "(1.5,-2)"}),
    "polygon": ("polygon", {"'((0,0),(1,1),(2,0))'": "((0,0),(1,1),(2,0))"}),
    "tsvector": ("tsvector", {"'a:1 b:2'": "'a':1 'b':2"}),
    "pg_lsn": ("pg_lsn", {"'16/B374D848'": "16/B374D848"}),
    "enum": ("mood", {"'ok'": "ok", "'it''s \"fine\"'": "it's \"fine\"", "NULL": None}),
    "quoted_enum": ('"Mood. \'x"" y"', {"'a'": "a"}),
    "composite": ("pair", {"ROW(1, 'a,b')": '(1,"a,b")', "ROW(NULL, NULL)": "(,)"}),
    "domain": ("positive", {"7": 7, "NULL": None}),
    "domain_numeric": ("price", {"7": "7.00"}),
    "domain_array": ("words", {"'{a,NULL}'": "{a,NULL}"}),
    "int_array": (
        "integer[]",
        {"'{1,NULL,3}'": "{1,NULL,3}", "'{}'": "{}", "'{{1,2},{3,4}}'": "{{1,2},{3,4}}",
         "'[0:2]={1,2,3}'": "[0:2]={1,2,3}", "NULL": None},
    ),
    "text_array": (
        "text[]",
        {r"""ARRAY['a', 'b"c', NULL, 'NULL', '', 'd\e', 'f,g', ' h ']""":
         r'{a,"b\"c",NULL,"NULL","","d\\e","f,g"," h "}'},
    ),
    "numeric_array": ("numeric[]", {"'{1.10,NaN}'": "{1.10,NaN}"}),
    "date_array": ("date[]", {"'{infinity,2026-11-24}'": "{infinity,2026-11-24}"}),
    "timestamptz_array": (
        "timestamptz[]",
        {"'{2026-11-24 09:30:00+05:30}'": '{"2026-11-24 04:00:00+00"}'},
    ),
    "bytea_array": ("bytea[]", {r"ARRAY['\xff'::bytea]": ...}),
    "enum_array": ("mood[]", {"'{ok,sad}'": "{ok,sad}"}),
    "int_range": ("int4range", {"'[1,5)'": "[1,5)", "'empty'": "empty", "'(,)'": "(,)"}),
    "num_range": ("numrange", {"'(0.10,1.50]'": "(0.10,1.50]"}),
    "date_range": ("daterange", {"'[2026-01-01,infinity)'": "[2026-01-01,infinity)"}),
    "tstz_range": ("tstzrange", {"'[2026-01-01 00:00+00,)'": '["2026-01-01 00:00:00+00",)'}),
    "int_multirange": ("int4multirange", {"'{[1,3),[5,7)}'": "{[1,3),[5,7)}"}),
}  # fmt: skip

HSTORE = {
    "hstore": (
        "hstore",
        {"""'a=>1, "b c"=>NULL, d=>"x\\"y"'""": ..., "''": "", "'a=>\"\"'": '"a"=>""'},
    ),
}
"""Where the extension can be created."""
