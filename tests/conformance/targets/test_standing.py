"""What an applier leaves in its target tells whether it works, whatever database it is."""

from support.pipes import until

from cdc.applier import state
from tests.conformance.targets.test_applying import REVIEW


def standing(bench):
    with bench.engine.connect() as connection:
        known = state.stream_state(connection, "shop")
        held = state.leases(connection, "shop")
        return state.standing(known, held), held


def test_who_works_who_was_killed_and_who_has_ended_are_told_apart(shop):
    s = shop(REVIEW, "review")
    assert standing(s)[0] == "never started"
    killed = s.another(lease=1.0, owner="here/1/a")
    killed.step()
    word, held = standing(s)
    assert (word, held.holders) == ("running", ("here/1/a",))
    killed._leases.release = lambda _connection: None  # as one that is killed
    killed.close()
    until(lambda: standing(s)[1].silent, "the end of its lease")
    word, held = standing(s)
    assert (word, held.holders) == ("silent", ())
    assert 0 < held.silent < 60
    s.applier.step()
    assert standing(s)[0] == "running"
    s.applier.close()
    assert standing(s) == ("not running", state.Held((), None))
