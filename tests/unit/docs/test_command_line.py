"""docs/command-line.md and `--help` name the same commands and options, and explain each."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import cli

PAGE = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text("utf-8")
_SECTION = re.compile(
    r"^### `strangler ([a-z ]+?)(?: [\[A-Z][^\n]*)?`\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL
)
SECTIONS = dict(_SECTION.findall(PAGE))


def shared(name: str) -> str:
    """Options that many commands have are explained once, at the start of the page or chapter."""
    start = PAGE.index(f"### `strangler {name}")
    chapter = PAGE[PAGE.rindex("\n## ", 0, start) : start]
    return PAGE[: PAGE.index("### ")] + chapter.partition("### ")[0]


def commands(command: click.Command, name: str = "") -> Iterator[tuple[str, click.Command]]:
    """Every command with its name as it is typed."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    for word, below in command.commands.items():
        yield from commands(below, f"{name} {word}".strip())


COMMANDS = dict(commands(cli.main))


@pytest.fixture(params=COMMANDS)
def name(request):
    return request.param


def options(command):
    return [
        param for param in command.params if isinstance(param, click.Option) and not param.hidden
    ]


def test_every_command_and_option_explains_itself(name):
    command = COMMANDS[name]
    assert command.help
    assert not [option.name for option in options(command) if not option.help]


def test_every_command_gives_an_example(name):
    assert f"strangler {name}" in COMMANDS[name].help


def test_every_option_is_on_the_page(name):
    text = shared(name) + SECTIONS[name]
    missing = [
        option.opts[-1]
        for option in options(COMMANDS[name])
        if not any(re.search(rf"(?<![\w-]){re.escape(way)}(?![\w-])", text) for way in option.opts)
    ]
    assert not missing


def test_the_page_has_exactly_the_commands():
    assert sorted(SECTIONS) == sorted(COMMANDS)


def test_a_section_names_no_option_that_the_command_lacks(name):
    known = {way for option in options(COMMANDS[name]) for way in option.opts}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", SECTIONS[name])) <= known
