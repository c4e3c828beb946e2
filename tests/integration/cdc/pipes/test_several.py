"""Two services with overlapping tables, one of which owns its rows: the other must see them too."""

from __future__ import annotations

import pytest

from tests.integration.cdc.pipes.sides import changes, running, settled

MEMBER = "CREATE TABLE member (id INTEGER PRIMARY KEY, name TEXT)"
REVIEW = "CREATE TABLE review (id INTEGER PRIMARY KEY, stars INTEGER)"


@pytest.mark.parametrize("legacy", ["postgresql", "limited", "mariadb", "sqlite"])
def test_what_comes_back_from_one_service_reaches_the_other(side, pipe, both, legacy):
    old, reviews, notices = side(legacy), side("sqlite"), side("sqlite")
    old.run(MEMBER, REVIEW)
    reviews.run(MEMBER, REVIEW)
    notices.run(MEMBER)
    first, back = both(old, reviews, "member", "review")
    second = pipe(old, notices, "member")
    with running(first, back, second):
        old.run("INSERT INTO member VALUES (1, 'Ann')", "INSERT INTO review VALUES (1, 5)")
        settled(first)
        reviews.run("UPDATE member SET name = 'Anne'", "INSERT INTO member VALUES (2, 'Bob')")
        settled(back)
        settled(second)
        settled(first)
    everyone = {1: ("Anne",), 2: ("Bob",)}
    assert old.rows("member") == reviews.rows("member") == notices.rows("member") == everyone
    assert {row.get("name") for _, _, row in changes(first)} == {"Ann", None}
    assert {row["name"] for _, _, row in changes(second)} == {"Ann", "Anne", "Bob"}
    assert origins(second) == {None, f"strangler:{back.stream.name}".encode()}


def origins(pipe) -> set:
    return {dict(record.headers).get("origin") for record in pipe.read()}
