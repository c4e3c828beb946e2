import pytest

from cdc.config import SYNC
from strangler.kit.compose import compose
from strangler.kit.reader import Reader

ENV = {"DB": "postgresql://shop:hunter2@db/shop", "NEW": "postgresql://r:hunter2@new:5432/reviews"}


def told(text):
    root, problems = compose(text, ENV)
    reader = Reader()
    SYNC.read(root, reader)
    assert not problems
    return [f"{p.line}:{p.column}: {p.message}" for p in sorted(reader.problems)]


def test_names_differ_in_more_than_case():
    (message,) = told("""\
a-b: {source: '${DB}', tables: [t]}
A-B: {source: '${DB}', tables: [t]}
""")
    assert message.startswith("2:6: `a-b` and `A-B` differ in case only")


def test_the_name_of_a_reverse_direction_is_taken():
    (message,) = told("""\
a: {source: '${DB}', tables: [t]}
a-reverse: {source: '${DB}', tables: [t]}
b-reverse: {source: '${DB}', tables: [t]}
""")
    assert message.startswith("2:12: `a-reverse` is what the reverse direction of `a` is called")


@pytest.mark.parametrize(
    ("first", "second", "told_of"),
    [
        ("topics: p, tables: [t]", "topics: p, tables: [u]", "`p.dead-letters` is one of `a`"),
        ("topics: p, tables: [s.t]", "topics: p.s, tables: [t]", "`p.s.t` is one of `a` already"),
        ("topics: p_s, tables: [t]", "topics: p.s, tables: [t]", "`p.s.t` from `p_s.t` of `a`"),
        (
            "topics: p, target: '${NEW}', tables: [t]",
            "topics: p.reverse, tables: [t]",
            "`p.reverse.t` is one of `a` already",
        ),
    ],
)
def test_streams_do_not_share_topics(first, second, told_of):
    (message,) = told(f"a: {{source: '${{DB}}', {first}}}\nb: {{source: '${{DB}}', {second}}}\n")
    assert message.startswith("2:")
    assert f"the topic {told_of}" in message


@pytest.mark.parametrize("tables", ["[dead-letters]", "[checkpoint]", "[a.b, a_b]"])
def test_tables_of_a_stream_have_topics_of_their_own(tables):
    (message,) = told(f"a: {{source: '${{DB}}', tables: {tables}}}\n")
    assert message.startswith("1:4: ")
    assert "write another prefix under `topics`, or move the table" in message


def test_a_table_is_filled_by_one_stream():
    (message,) = told("""\
a: {source: '${DB}', target: '${NEW}', tables: [t, u]}
b: {source: '${DB}', target: 'postgres://NEW/reviews', tables: [v, {table: t, to: public.u}]}
""")
    assert message == (
        "2:83: `a` fills `u` of this database already: leave the table to one stream, or give it"
        " another `to`"
    )


def test_changes_do_not_go_round():
    messages = told("""\
a: {source: '${DB}', target: '${NEW}', tables: [t, {table: x, to: y}]}
b: {source: '${NEW}', target: 'sqlite:///c', tables: [t, y]}
c: {source: 'sqlite:///c', target: '${DB}', tables: [t, {table: y, to: z}]}
""")
    assert [message.split(": ")[0] for message in messages] == ["1:49", "2:55", "3:54"]
    assert "changes of `t` would come back to it through `t`" in messages[0]


def test_streams_may_follow_each_other():
    assert (
        told("""\
a: {source: '${DB}', target: '${NEW}', tables: [t]}
b: {source: '${NEW}', target: 'sqlite:///c', tables: [t]}
""")
        == []
    )
