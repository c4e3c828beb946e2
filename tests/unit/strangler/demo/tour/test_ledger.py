import math

import pytest

from strangler.demo.tour.ledger import Ledger, Page, Served
from strangler.demo.tour.story import Phase

FEW = Phase("few", (), 1_000)
MANY = Phase("many", (), 5_000)
BACK = Phase("back", (), 0, grows=False)
STORY = (FEW, MANY, BACK)


def played(*answers: tuple[int, int, str]) -> Ledger:
    """A ledger of (user, version, side), where versions 1 to 3 are the phases."""
    ledger = Ledger(STORY)
    for version, phase in enumerate(STORY, 1):
        ledger.begin(phase, version)
    for user, version, side in answers:
        ledger.answer(user, Served("reviews-api", side, version), 0.1)
    return ledger


def test_the_route_header_is_read():
    assert Served.parse("reviews-api;reviews;v12") == Served("reviews-api", "reviews", 12)


@pytest.mark.parametrize("value", ["", "a;b", "a;b;c;d", "a;b;vx"])
def test_another_header_is_refused(value):
    with pytest.raises(ValueError):
        Served.parse(value)


def test_who_stays_is_no_flip():
    ledger = played((1, 1, "reviews"), (1, 2, "reviews"), (2, 1, "legacy"), (2, 2, "legacy"))
    assert not any(ledger.flips().values())


def test_who_is_moved_on_is_no_flip():
    assert not any(played((1, 1, "legacy"), (1, 2, "reviews")).flips().values())


def test_both_sides_within_a_phase_are_a_flip():
    assert played((1, 1, "legacy"), (1, 1, "reviews")).flips()["few"] == {1}


def test_back_on_the_old_side_while_the_share_grows_is_a_flip():
    assert played((1, 1, "reviews"), (1, 2, "legacy")).flips()["many"] == {1}


def test_a_flip_is_seen_over_a_phase_in_which_the_user_was_away():
    ledger = Ledger((FEW, MANY, Phase("all", (), 10_000)))
    for version, phase in enumerate((FEW, MANY, Phase("all", (), 10_000)), 1):
        ledger.begin(phase, version)
    ledger.answer(1, Served("reviews-api", "reviews", 1), 0.1)
    ledger.answer(1, Served("reviews-api", "legacy", 3), 0.1)
    assert ledger.flips()["all"] == {1}


def test_a_rollback_moves_people_back():
    assert not any(played((1, 2, "reviews"), (1, 3, "legacy")).flips().values())


def test_an_answer_belongs_to_the_version_that_served_it():
    ledger = Ledger(STORY)
    ledger.begin(FEW, 1)
    ledger.answer(1, Served("reviews-api", "reviews", 2), 0.1)  # before its command has returned
    assert ledger.strays() == {2}
    ledger.begin(MANY, 2)
    assert ledger.strays() == set()
    assert ledger.page(MANY).users_on("reviews") == 1
    assert not ledger.page(FEW).sides


def test_other_routes_count_as_requests_only():
    ledger = played()
    ledger.answer(1, Served("default", "legacy", 1), 0.1)
    assert (len(ledger.page(FEW).seconds), len(ledger.page(FEW).sides)) == (1, 0)


def test_an_error_belongs_to_the_phase_that_goes_on():
    ledger = Ledger(STORY)
    ledger.begin(FEW, 4)
    ledger.begin(MANY, 5)
    ledger.error("no answer")
    assert ledger.page(MANY).errors == ["no answer"]


def test_seen_needs_every_user():
    ledger = played((1, 1, "legacy"), (2, 1, "reviews"))
    assert ledger.seen(FEW, [1, 2])
    assert not ledger.seen(FEW, [1, 2, 3])


def test_quantiles():
    page = Page(seconds=[0.4, 0.1, 0.3, 0.2])
    assert (page.quantile(0.5), page.quantile(0.99)) == (0.2, 0.4)
    assert math.isnan(Page().quantile(0.5))
