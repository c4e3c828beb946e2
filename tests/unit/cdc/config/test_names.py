from cdc.config.model import Stream, TableSync, Topics
from cdc.config.names import reverse_topics_of, slot_name, topics_of

STREAM = Stream("s", "", (TableSync("a.b", "c"), TableSync("d", "c")), Topics("p"))


def test_a_slot_has_a_name_that_postgresql_takes():
    assert slot_name("Shop.Reviews-1") == "strangler_shop_reviews_1"


def test_long_names_stay_apart():
    one, other = slot_name("x" * 62 + "1"), slot_name("x" * 62 + "2")
    assert len(one) == len(other) == 63
    assert one != other


def test_topics_are_those_of_the_formats():
    assert list(topics_of(STREAM)) == ["p.a.b", "p.d", "p.dead-letters", "p.checkpoint"]
    assert list(reverse_topics_of(STREAM)) == [
        "p.reverse.c",
        "p.reverse.dead-letters",
        "p.reverse.checkpoint",
    ]
