import pytest

from strangler.config.model import HeaderRules
from strangler.routing.edit import line_editor

LINES = [b"Accept: a", b"X-One: 1", b"x-one: 2", b"X-Two: 3"]


def test_remove_then_set_then_add():
    edit = line_editor(
        HeaderRules(
            remove=("x-ONE", "X-Three"),
            set=(("X-Two", " new "), ("X-Three", "3")),
            add=(("Accept", "b"), ("Accept", "c")),
        )
    )
    assert edit(LINES) == [
        b"Accept: a",
        b"X-Two: new",
        b"X-Three: 3",
        b"Accept: b",
        b"Accept: c",
    ]


def test_the_lines_given_are_not_changed():
    before = list(LINES)
    assert line_editor(HeaderRules(add=(("A", "\u00e9"),)))(LINES)[-1] == "A: \u00e9".encode()
    assert before == LINES


def test_setting_twice_leaves_the_last():
    edit = line_editor(HeaderRules(set=(("A", "1"), ("a", "2"))))
    assert edit([]) == [b"a: 2"]


@pytest.mark.parametrize(
    "rules",
    [
        HeaderRules(set=(("A", "1\r\nB: 2"),)),
        HeaderRules(add=(("A", "1\0"),)),
        HeaderRules(add=(("A B", "1"),)),
        HeaderRules(add=(("", "1"),)),
        HeaderRules(remove=("A:",)),
        HeaderRules(remove=("Content-Length",)),
        HeaderRules(set=(("transfer-encoding", "chunked"),)),
        HeaderRules(add=(("Connection", "close"),)),
    ],
)
def test_what_would_break_a_message_is_refused(rules):
    with pytest.raises(ValueError):
        line_editor(rules)
