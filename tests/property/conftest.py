"""`make soak` repeats every property, each time from another seed."""

import pytest
from hypothesis import seed

from tests.conftest import soaking

ROUNDS = 20
"""Repetitions of each property in a soak."""


@pytest.fixture(scope="session", autouse=True)
def soak_round(request):
    """Which repetition this is; nothing where nothing is repeated."""
    return getattr(request, "param", None)


@pytest.fixture(autouse=True)
def soak_seed(request, soak_round):
    """Gives each repetition a seed of its own, which follows from the soak's."""
    if soak_round is not None:
        seed(request.config.getoption("soak_seed") + soak_round)(request.function)


def pytest_generate_tests(metafunc):
    if soaking(metafunc.config) and hasattr(metafunc.function, "hypothesis"):
        rounds = [pytest.param(n, marks=pytest.mark.soak) for n in range(ROUNDS)]
        metafunc.parametrize("soak_round", rounds, indirect=True)
