import hashlib

import pytest

from cdc.change import ABSENT, Column, Kind
from cdc.config.model import Mask
from cdc.masking import masked


def column(kind):
    return Column("c", kind, kind.value)


@pytest.mark.parametrize("mask", [Mask(replace="x"), Mask(salt="0123456789abcdef")])
def test_null_and_absent_stay_what_they_are(mask):
    transform = masked(mask, column(Kind.TEXT))
    assert transform(None) is None
    assert transform(ABSENT) is ABSENT


@pytest.mark.parametrize(
    ("kind", "text", "constant"),
    [
        (Kind.TEXT, "", ""),
        (Kind.TEXT, "x@example.invalid", "x@example.invalid"),
        (Kind.INTEGER, "-7", -7),
        (Kind.BOOLEAN, "false", False),
        (Kind.FLOAT, "0.5", 0.5),
        (Kind.FLOAT, "NaN", "NaN"),
        (Kind.DECIMAL, "0.10", "0.10"),
        (Kind.BINARY, "none", "bm9uZQ=="),
        (Kind.JSON, '{"a": 1}', '{"a": 1}'),
        (Kind.DATE, "1970-01-01", "1970-01-01"),
    ],
)
def test_a_constant_has_the_form_of_its_columns_kind(kind, text, constant):
    value = masked(Mask(replace=text), column(kind))("whatever")
    assert (value, type(value)) == (constant, type(constant))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Kind.INTEGER, "none"),
        (Kind.INTEGER, "1.5"),
        (Kind.BOOLEAN, "no"),
        (Kind.FLOAT, ""),
        (Kind.DECIMAL, "1e5"),
        (Kind.JSON, "hidden"),
        (Kind.JSON, "NaN"),
    ],
)
def test_a_constant_that_fits_no_column_is_refused(kind, text):
    with pytest.raises(ValueError, match=f"{kind.value} columns cannot hold the constant"):
        masked(Mask(replace=text), column(kind))


@pytest.mark.parametrize(
    ("value", "text"), [("Zoë", "Zoë"), (7, "7"), (True, "true"), (0.1, "0.1"), ("", "")]
)
def test_a_hash_is_keyed_blake2b_of_the_values_text(value, text):
    salt = "0123456789abcdef"
    expected = hashlib.blake2b(text.encode(), key=salt.encode(), digest_size=32).hexdigest()
    transform = masked(Mask(salt=salt), column(Kind.TEXT))
    assert transform(value) == expected
    assert transform(value) == expected, "the state must not grow from value to value"


def test_another_salt_is_another_hash():
    one, other = (masked(Mask(salt=salt * 16), column(Kind.TEXT)) for salt in "ab")
    assert one("x") != other("x")
