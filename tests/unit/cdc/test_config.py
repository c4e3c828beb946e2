import pytest

from cdc.config import SYNC, Stream
from strangler.kit.compose import compose
from strangler.kit.reader import Reader


def read(text, env=None):
    root, problems = compose(text, env or {})
    reader = Reader()
    value = SYNC.read(root, reader)
    return value, [problem.message for problem in (*problems, *reader.problems)]


def test_streams_by_name():
    value, messages = read(
        "reviews: {source: '${DB}', tables: [reviews_review, public.x], target: 'sqlite:///r.db'}",
        {"DB": "postgresql://shop:hunter2@db/shop"},
    )
    assert messages == []
    assert value == {
        "reviews": Stream(
            "reviews",
            "postgresql://shop:hunter2@db/shop",
            ("reviews_review", "public.x"),
            "sqlite:///r.db",
        )
    }
    assert "hunter2" not in repr(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: {tables: [t]}", "`source` is missing in a stream"),
        ("a: {source: 'sqlite:///a'}", "`tables` is missing in a stream"),
        ("a: {source: 'sqlite:///a', tables: []}", "the list of tables is empty"),
        ("a: {source: 'sqlite:///a', tables: ['x y']}", "`x y` is not a table"),
        ("a: {source: shop, tables: [t]}", "this is not the URL of a database"),
        ("a: {source: 'http://[', tables: [t]}", "this is not the URL of a database"),
        ("a: {source: 'redis://x', tables: [t]}", "this is not the URL of a database"),
        ("a: {source: 'mysql://u:hunter2@h/d', tables: [t]}", "a password stands in this file"),
        ("a: {source: 'sqlite:///a', tables: [t], topic: x}", "`topic` is not a key of a stream"),
    ],
)
def test_what_is_no_stream(text, message):
    value, (told,) = read(text)
    assert value == {}
    assert message in told
    assert "hunter2" not in told
