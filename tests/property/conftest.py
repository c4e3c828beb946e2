"""Hypothesis without deadlines: a busy machine is no failure.

`pytest -m soak` repeats every property, each time from another random seed; what fails prints the
line that reproduces it.
"""

import pytest
from hypothesis import HealthCheck, settings

ROUNDS = 20
"""Repetitions of each property in a soak: about six minutes in one process."""

settings.register_profile(
    "strangler", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "soak", settings.get_profile("strangler"), derandomize=False, print_blob=True
)


def _soaking(config: pytest.Config) -> bool:
    return config.getoption("markexpr") == "soak"


@pytest.fixture(scope="session", autouse=True)
def soak_round(request):
    """Which repetition this is; nothing where nothing is repeated."""
    return getattr(request, "param", None)


def pytest_generate_tests(metafunc):
    settings.load_profile("soak" if _soaking(metafunc.config) else "strangler")
    if _soaking(metafunc.config) and hasattr(metafunc.function, "hypothesis"):
        rounds = [pytest.param(n, marks=pytest.mark.soak) for n in range(ROUNDS)]
        metafunc.parametrize("soak_round", rounds, indirect=True)
