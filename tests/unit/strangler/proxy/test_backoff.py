from strangler.proxy.backoff import FIRST_PAUSE, LONGEST_PAUSE, SETTLED, RestartBackoff


def test_the_first_death_costs_no_time() -> None:
    assert RestartBackoff().after(0.1, 0.9) == 0.0


def test_workers_that_die_young_are_started_ever_more_slowly_within_bounds() -> None:
    backoff = RestartBackoff()
    pauses = [backoff.after(0.1, 1.0) for _ in range(40)]
    assert pauses[:4] == [0.0, FIRST_PAUSE, 2 * FIRST_PAUSE, 4 * FIRST_PAUSE]
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE


def test_the_draw_spreads_the_pauses() -> None:
    one, other = RestartBackoff(), RestartBackoff()
    one.after(0, 0)
    other.after(0, 0)
    assert one.after(0, 0.0) == FIRST_PAUSE / 2
    assert other.after(0, 1.0) == FIRST_PAUSE


def test_a_worker_that_worked_starts_the_count_anew() -> None:
    backoff = RestartBackoff()
    for _ in range(5):
        backoff.after(0.1, 0.5)
    assert backoff.after(SETTLED, 0.5) == 0.0
