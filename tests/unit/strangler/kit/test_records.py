from strangler.kit.records import Field, ListOf, MapOf, Record
from strangler.kit.scalars import integer
from strangler.kit.shapes import name, text

NUMBER = integer(0, 9, "a digit")
INNER = Record("`inner`", [Field("deep", NUMBER, "A digit.")], dict)
RECORD = Record(
    "a thing",
    [
        Field("count", NUMBER, "A digit.", True, "count: 1"),
        Field("tags", ListOf(text("a tag"), "tags"), "Tags."),
        Field("inner", INNER, "More."),
    ],
    dict,
)


def test_a_record_gives_what_is_there(read):
    assert read(RECORD, "{count: 1, tags: [a, b]}") == ({"count": 1, "tags": ("a", "b")}, [])


def test_every_problem_of_a_record_is_told(read):
    value, messages = read(RECORD, "{cuont: 1, tags: a, inner: {deep: x}}")
    assert value is None
    assert messages == [
        "`cuont` is not a key of a thing (did you mean `count`?)",
        "found `a`, but a list of tags belongs here: write `[a]`",
        "`x` is not a digit: write digits only",
        "`count` is missing in a thing: add `count: 1`",
    ]


def test_a_key_that_belongs_one_level_deeper_is_sent_there(read):
    _, messages = read(RECORD, "{count: 1, deep: 2}")
    assert messages == ["`deep` is not a key of a thing: write it under `inner:`"]


def test_an_unknown_key_that_is_like_nothing_is_told_what_there_is(read):
    _, (message,) = read(RECORD, "{count: 1, zzz: 2}")
    assert message == ("`zzz` is not a key of a thing: its keys are `count`, `tags` and `inner`")


def test_what_is_commented_out_wholly_is_empty(read):
    assert read(INNER, "~") == ({}, [])
    assert read(ListOf(NUMBER, "digits"), "~") == ((), [])
    assert read(MapOf(name("a name"), NUMBER, "`things`"), "~") == ({}, [])


def test_something_else_than_a_mapping_is_described(read):
    assert read(RECORD, "[1]")[1] == ["found a list, but a thing is a mapping: write `key: value`"]


def test_a_list_keeps_its_good_items(read):
    value, messages = read(ListOf(NUMBER, "digits"), "[1, x, 2]")
    assert value == (1, 2)
    assert len(messages) == 1


def test_a_mapping_keeps_its_good_entries(read):
    value, messages = read(MapOf(name("a name"), NUMBER, "`things`"), "{a: 1, b: x, '-': 2}")
    assert value == {"a": 1}
    assert len(messages) == 2


def test_some_containers_must_not_be_empty(read):
    assert read(ListOf(NUMBER, "digits", at_least=1), "[]")[1] == [
        "the list of digits is empty: write at least one"
    ]
    assert read(MapOf(name("a name"), NUMBER, "`things`", at_least=1), "{}")[1] == [
        "`things` is empty: write at least one entry"
    ]


def test_schemas_know_the_keys_and_refuse_others():
    schema = RECORD.schema
    assert list(schema["properties"]) == ["count", "tags", "inner"]
    assert schema["required"] == ["count"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["count"]["description"] == "A digit."
