from cdc.config.model import Stream, TableSync, Topics
from cdc.config.names import reverse_topics_of, topics_of

STREAM = Stream("s", "", (TableSync("a.b", "c"), TableSync("d", "c")), Topics("p"))


def test_topics_are_those_of_the_formats():
    assert list(topics_of(STREAM)) == ["p.a.b", "p.d", "p.dead-letters", "p.checkpoint"]
    assert list(reverse_topics_of(STREAM)) == [
        "p.reverse.c",
        "p.reverse.dead-letters",
        "p.reverse.checkpoint",
    ]
