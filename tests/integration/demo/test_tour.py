"""The tour, as `make tour` plays it."""

import pytest

from tests.integration.demo.demo_process import run


@pytest.mark.soak  # CI plays it: `make tour`
def test_the_tour_goes_well(open_folder):
    done = run("--tour", "--dir", str(open_folder / "tour"), cwd=open_folder)
    assert done.returncode == 0, done.stdout + done.stderr
    for phase in ("baseline", "canary 1 %", "canary 10 %", "canary 50 %", "cutover", "rollback"):
        assert phase in done.stdout
    assert "Every request was answered" in done.stdout


def test_a_folder_that_was_used_is_refused(open_folder):
    (open_folder / "state.json").write_text("{}")
    done = run("--tour", "--dir", str(open_folder), cwd=open_folder)
    assert done.returncode == 1
    assert "has been used already" in done.stderr
    assert "--fresh" in done.stderr
