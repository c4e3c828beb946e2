"""Pairs of columns, and the text that both sides write."""

import pytest

from cdc.change import Column, Kind
from cdc.reconcile.canonical import canonical, digest, line, short_hash
from cdc.reconcile.forms import Form, form_of

PG, MY, LITE = "postgresql", "mysql", "sqlite"


def column(kind, of=""):
    return Column("c", kind, of or kind.value)


@pytest.mark.parametrize(
    ("source", "target", "databases", "form"),
    [
        (column(Kind.BOOLEAN), column(Kind.INTEGER, "tinyint"), (PG, MY), Form.INTEGER),
        (column(Kind.INTEGER), column(Kind.DECIMAL), (PG, PG), Form.DECIMAL),
        (column(Kind.FLOAT, "real"), column(Kind.FLOAT), (PG, PG), Form.FLOAT),
        (column(Kind.FLOAT), column(Kind.FLOAT), (PG, LITE), Form.NUMBER),
        (column(Kind.FLOAT), column(Kind.DECIMAL), (PG, PG), Form.NUMBER),
        (column(Kind.FLOAT, "float"), column(Kind.FLOAT), (MY, PG), Form.SINGLE),
        (column(Kind.FLOAT, "double"), column(Kind.FLOAT), (MY, PG), Form.NUMBER),
        (column(Kind.FLOAT, "double"), column(Kind.FLOAT, "REAL"), (MY, LITE), Form.NUMBER),
        (column(Kind.FLOAT, "double"), column(Kind.FLOAT, "real"), (MY, PG), Form.SINGLE),
        (column(Kind.TEXT), column(Kind.TEXT), (PG, PG), Form.TEXT),
        (column(Kind.TEXT), column(Kind.TEXT), (PG, MY), Form.DIGEST),
        (column(Kind.TEXT, "character(5)"), column(Kind.TEXT), (PG, PG), Form.PADDED),
        (column(Kind.TEXT), column(Kind.TEXT, "char(5)"), (PG, MY), Form.PADDED),
        (column(Kind.TIMESTAMPTZ), column(Kind.TIMESTAMP), (PG, MY), Form.MOMENT),
        (column(Kind.UUID), column(Kind.TEXT, "char(36)"), (PG, MY), Form.UUID),
        (column(Kind.BINARY), column(Kind.BINARY), (PG, MY), Form.BYTES),
        (column(Kind.JSON, "jsonb"), column(Kind.JSON, "jsonb"), (PG, PG), Form.TEXT),
        (column(Kind.JSON, "json"), column(Kind.JSON, "jsonb"), (PG, PG), None),
        (column(Kind.JSON, "json"), column(Kind.JSON, "json"), (PG, LITE), None),
        (column(Kind.TEXT, "longtext"), column(Kind.JSON, "jsonb"), (MY, PG), None),
        (column(Kind.OTHER, "int[]"), column(Kind.TEXT), (PG, PG), Form.TEXT),
    ],
)  # fmt: skip
def test_the_form_of_a_pair(source, target, databases, form):
    assert form_of(source, target, databases) is form
    assert form_of(target, source, databases[::-1]) is form


def test_keys_have_texts_that_they_can_be_read_from():
    text, binary = column(Kind.TEXT), column(Kind.BINARY)
    assert form_of(text, text, (PG, MY), key=True) is Form.TEXT
    assert form_of(binary, binary, (PG, MY), key=True) is Form.HEX


@pytest.mark.parametrize(
    ("form", "same"),
    [
        (Form.INTEGER, [True, 1]),
        (Form.DECIMAL, ["1.50", "1.5", 1.5, "0001.5"]),
        (Form.DECIMAL, ["0", "0.00", "-0.0", 0, False]),
        (Form.DECIMAL, ["NaN", "nan"]),
        (Form.DECIMAL, ["1e3", "1000", 1000]),
        (Form.NUMBER, [0.1, "0.1", "1e-1", "0.10"]),
        (Form.NUMBER, [1e20, "100000000000000000000", "1e+20"]),
        (Form.NUMBER, [-0.0, 0.0, "0", "-0"]),
        (Form.SINGLE, [0.1, 0.10000000149011612]),
        (Form.PADDED, ["a", "a  "]),
        (Form.MOMENT, ["2026-11-24 09:30:00.25+00", "2026-11-24 09:30:00.250000"]),
        (Form.MOMENT, ["2026-11-24 09:30:00", "2026-11-24 09:30:00.000", "2026-11-24T09:30:00"]),
        (Form.UUID, ["A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", "a0eebc999c0b4ef8bb6d6bb9bd380a11"]),
        (Form.JSONB, ['{"a":1,"b":[1.50]}', '{"b": [1.5], "a": 1.0}']),
    ],
)
def test_equal_values_have_one_text(form, same):
    assert len({canonical(form, value) for value in same}) == 1


@pytest.mark.parametrize(
    ("form", "different"),
    [
        (Form.TEXT, [None, "", "NULL", " ", "a", "A", "a ", "é", "e\u0301"]),
        (Form.DIGEST, [None, "", "NULL", " ", "a", "A", "a ", "é", "e\u0301"]),
        (Form.PADDED, [None, "", "NULL", "a", "A", " a", "a\t"]),
        (Form.DECIMAL, [None, "0", "1", "-1", "1.0001", "NaN", "Infinity", "-Infinity", "10"]),
        (Form.NUMBER, [None, 0.0, 1.0, 10.0, 0.1, -0.1, 0.1 + 1e-17 * 2, "NaN", 1e300]),
        (Form.MOMENT, [None, "2026-11-24 09:30:00", "2026-11-24 09:30:00.000001", "2026-11-24",
                       "2026-11-24 09:30:10", "infinity", "0044-03-15 12:00:00+00 BC",
                       "09:30:00+02"]),
        (Form.BYTES, [None, "", "AA==", "AAA="]),
        (Form.JSONB, [None, "null", "[]", "{}", '""', "1", '"1"', "true", "1.01"]),
        (Form.INTEGER, [None, 0, 1, "1.5", "x", "|"]),
    ],
)  # fmt: skip
def test_different_values_have_different_texts(form, different):
    texts = [canonical(form, value) for value in different]
    assert len(set(texts)) == len(different), texts
    lines = {line([(form, text)]) for text in texts}
    assert len(lines) == len(different), lines


def test_what_does_not_fit_cannot_be_mistaken():
    assert canonical(Form.INTEGER, "a|b") == "?617c62"
    assert canonical(Form.UUID, "none") == "?6e6f6e65"


def test_a_hash_is_a_positive_number_of_sixty_bits():
    assert short_hash("") == int(digest("")[:15], 16) < 2**60
    assert short_hash("a") != short_hash("b")
