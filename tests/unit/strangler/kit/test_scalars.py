from enum import StrEnum

import pytest

from strangler.kit.scalars import BOOL, choice, integer


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


@pytest.mark.parametrize(("text", "value"), [("true", True), ("False", False)])
def test_booleans(read, text, value):
    assert read(BOOL, text) == (value, [])


@pytest.mark.parametrize(("text", "meant"), [("yes", "true"), ("off", "false"), ("0", "false")])
def test_other_spellings_of_booleans_are_refused_by_name(read, text, meant):
    assert read(BOOL, text) == (None, [f"`{text}` is neither true nor false: write `{meant}`"])


def test_integers_have_bounds(read):
    shape = integer(1, 10)
    assert read(shape, "10") == (10, [])
    assert read(shape, "11")[1] == ["`11` is out of bounds: write a whole number from 1 to 10"]


@pytest.mark.parametrize("text", ["1.0", "1e3", "0x1", "ten", "1_0", "٣"])
def test_what_is_no_integer(read, text):
    assert read(integer(0, 9), text)[1] == [f"`{text}` is not a whole number: write digits only"]


def test_choices(read):
    assert read(choice(Colour), "red") == (Colour.RED, [])
    assert read(choice(Colour), "rde")[1] == [
        "`rde` is not known here: write one of `red` and `blue` (did you mean `red`?)"
    ]
