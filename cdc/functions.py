"""Functions that the file names: `package.module:function`, imported when a stream starts."""

from __future__ import annotations

import importlib
from typing import cast

from cdc.mapping import Convert


class FunctionError(Exception):
    """A function that the file names cannot be used; says why."""


def load(dotted: str) -> Convert:
    """The function of a dotted name. Runs its module; raises `FunctionError`."""
    module_name, _, name = dotted.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise FunctionError(
            f"`{dotted}` cannot be loaded, as importing `{module_name}` raised"
            f" {type(error).__name__}: {error}; start where it can be imported, or set PYTHONPATH"
        ) from error
    function = getattr(module, name, None)
    if function is None:
        raise FunctionError(
            f"`{module_name}` has no `{name}`: write the function's name behind `:`"
        )
    if not callable(function):
        raise FunctionError(f"`{dotted}` is no function, but {type(function).__name__}")
    return cast("Convert", function)
