import pytest

from strangler.demo.tour import verdict
from strangler.demo.tour.ledger import Ledger, Served
from strangler.demo.tour.story import STORY

USERS = 200


@pytest.fixture
def ledger():
    """A tour that went well: user n is on the new side from a share of n/200 on."""
    kept = Ledger(STORY)
    for version, phase in enumerate(STORY, 1):
        kept.begin(phase, version)
        for user in range(USERS):
            side = "reviews" if user < USERS * phase.share / 10_000 else "legacy"
            kept.answer(user, Served("reviews-api", side, version), 0.01)
    return kept


def test_a_good_tour_has_no_problems(ledger):
    assert verdict.problems(ledger) == []


def test_one_wrong_request_is_one_too_many(ledger):
    ledger.error("GET /reviews/ answered 502")
    assert verdict.problems(ledger) == ["rollback: GET /reviews/ answered 502"]


def test_many_errors_are_counted(ledger):
    for number in range(10):
        ledger.error(f"error {number}")
    assert verdict.problems(ledger)[-1] == "rollback: and 7 more errors"


def test_somebody_on_the_new_side_at_0_percent(ledger):
    ledger.answer(999, Served("reviews-api", "reviews", 1), 0.01)
    assert verdict.problems(ledger) == [
        "baseline: reviews got 1 of 201 users, which 0 % and chance do not explain",
        "baseline: reviews got 1 of 201 requests, which 0 % and chance do not explain",
    ]


def test_a_flip(ledger):
    ledger.answer(0, Served("reviews-api", "legacy", 4), 0.01)
    assert verdict.problems(ledger) == ["canary 50 %: users who did not stay on their side: 1"]


def test_a_share_that_chance_does_not_explain(ledger):
    for user in range(1_000, 1_100):
        ledger.answer(user, Served("reviews-api", "reviews", 3), 0.01)
    assert [each for each in verdict.problems(ledger) if each.startswith("canary 10 %: reviews")]


def test_a_version_of_nobody(ledger):
    ledger.answer(1, Served("reviews-api", "legacy", 77), 0.01)
    assert verdict.problems(ledger) == ["version 77 served people and is no phase's"]


def test_a_phase_without_people():
    empty = Ledger(STORY)
    for version, phase in enumerate(STORY, 1):
        empty.begin(phase, version)
    assert verdict.problems(empty) == [
        f"{phase.name}: nobody was served on the routes that move" for phase in STORY
    ]
