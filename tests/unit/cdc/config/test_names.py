from dataclasses import replace

from cdc.config.model import Stream, TableSync, Topics
from cdc.config.names import command, forward_name, reverse_topics_of, topics_of
from cdc.reversing import reversed_stream

STREAM = Stream("s", "", (TableSync("a.b", "c"), TableSync("d", "c")), Topics("p"))


def test_topics_are_those_of_the_formats():
    assert list(topics_of(STREAM)) == ["p.a.b", "p.d", "p.dead-letters", "p.checkpoint"]
    assert list(reverse_topics_of(STREAM)) == [
        "p.reverse.c",
        "p.reverse.dead-letters",
        "p.reverse.checkpoint",
    ]


def test_a_command_is_as_a_person_types_it_also_for_the_way_back():
    there = replace(STREAM, name="s-reverse", target="sqlite://")  # a name that misleads
    assert command("run", there, "--resnapshot") == "strangler cdc run s-reverse --resnapshot"
    back = reversed_stream(replace(STREAM, tables=STREAM.tables[:1], target="sqlite://"))
    assert back.name == "s-reverse"
    assert command("status", back) == "strangler cdc status s --reverse"
    assert forward_name(back) == "s"
