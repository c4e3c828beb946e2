"""Matrices that are too long for `make test`, which runs a sample; `make soak` runs the whole."""

from __future__ import annotations

from collections.abc import Iterable

import pytest


def sampled(values: Iterable[object], *here: object) -> list[object]:
    """Parameters of a test, of which `make test` runs those of `here` and `make soak` runs all."""
    every = list(values)
    assert here, "of each matrix something runs in `make test`"
    assert all(value in every for value in here), f"{here} are not all of {every}"
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else (value,)),
            marks=pytest.mark.sampled if value in here else pytest.mark.soak,
        )
        for value in every
    ]
