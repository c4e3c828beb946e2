"""What YAML's own parser complains about, in words that say what to do."""

from __future__ import annotations

import yaml

from strangler.kit.problems import Problem

_IN_LIST = (
    "a `[` is not closed: add the `]` or a comma before this,"
    " or put quotes around a text with `[`, `{` or `,` in it"
)
_IN_MAPPING = (
    "a `{` is not closed: add the `}` or a comma before this,"
    " or put quotes around a text with `[`, `{` or `,` in it"
)

_ADVICE = (
    (
        "mapping values are not allowed",
        "a second `:` on this line, or an indentation that fits nothing: put quotes around a text"
        " with `: ` in it, or indent the line like its neighbours",
    ),
    ("did not find expected ',' or ']'", _IN_LIST),
    ("did not find expected ',' or '}'", _IN_MAPPING),
    ("expected ',' or ']'", _IN_LIST),
    ("expected ',' or '}'", _IN_MAPPING),
    ("did not find expected key", "this line does not fit the ones above: check its indentation"),
    (
        "did not find expected '-' indicator",
        "this line does not fit the list above: begin it with `- ` or check its indentation",
    ),
    ("expected <block end>", "this line does not fit the ones above: check its indentation"),
    ("could not find expected ':'", "a key without `:` after it, or a quote that is not closed"),
    ("unexpected end of stream", "a quote that was opened here is never closed"),
)


def syntax_problem(error: Exception, text: str) -> Problem:
    """The parser's error as a problem."""
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        if mark is not None:
            return Problem(mark.line + 1, mark.column + 1, _message(error, text, mark.index))
    return _unreadable(text)


def _message(error: yaml.MarkedYAMLError, text: str, index: int) -> str:
    said = error.problem or "it cannot be read"
    if text[index : index + 1] == "\t":
        return "a tab stands here, where YAML allows only spaces: replace it by spaces"
    for phrase, advice in _ADVICE:
        if phrase in said:
            return f"not YAML: {advice}"
    return f"not YAML: {said}: put quotes around the text if it is meant as one"


def _unreadable(text: str) -> Problem:
    """A character that no YAML file may hold."""
    for number, line in enumerate(text.split("\n"), start=1):
        for column, character in enumerate(line, start=1):
            if not (character.isprintable() or character in "\t\r\ufeff\x85\xa0"):
                code = f"U+{ord(character):04X}"
                return Problem(number, column, f"the character {code} may not stand in a file")
    return Problem(1, 1, "not YAML: the file cannot be read")
