"""Hypothesis without deadlines: a busy machine is no failure."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "strangler", deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("strangler")
