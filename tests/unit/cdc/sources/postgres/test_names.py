"""Names of slots and publications."""

from __future__ import annotations

import re

from support.streams import a_stream

from cdc.sources.postgres.names import publication_name, slot_name


def names(*streams: str) -> list[str]:
    return [slot_name(a_stream("postgresql://h/d", "t", name=name)) for name in streams]


def test_a_plain_name_is_kept():
    assert names("reviews", "reviews_2") == ["strangler_reviews", "strangler_reviews_2"]


def test_every_name_is_one_that_postgresql_takes_and_no_two_are_the_same():
    streams = ["a-b", "a_b", "A_b", "a.b", "é", "x" * 54, "x" * 53 + "y", "x" * 200, "x" * 201]
    found = names(*streams)
    assert len(set(found)) == len(streams)
    assert all(re.fullmatch(r"[a-z0-9_]{1,63}", name) for name in found)


def test_the_publication_is_named_like_the_slot():
    stream = a_stream("postgresql://h/d", "t", name="Shop.reviews")
    assert publication_name(stream) == slot_name(stream)
