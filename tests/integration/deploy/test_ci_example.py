"""The pipeline's example: right as YAML, and with commands and options that are there."""

import re
import shlex
from pathlib import Path

import yaml

from cli import main
from strangler.admin.failures import EXIT_CODES

FOLDER = Path(__file__).parents[3] / "deploy" / "ci"


def steps() -> list[dict]:
    workflow = yaml.safe_load((FOLDER / "github-actions.yaml").read_text())
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def test_every_step_uses_or_runs_something():
    assert all(("uses" in step) != ("run" in step) for step in steps())


def test_its_commands_and_options_are_there():
    script = "\n".join(step.get("run", "") for step in steps())
    found = re.findall(r"(?:^|\s)strangler ((?:check|plan|apply)\b[^;\n]*)", script)
    assert {line.split()[0] for line in found} == {"check", "plan", "apply"}
    for line in found:
        name, *words = shlex.split(line)
        known = {flag for each in main.commands[name].params for flag in each.opts}
        assert {word for word in words if word.startswith("--")} <= known


def test_what_is_installed_is_pinned_and_never_a_name_on_pypi():
    workflow = yaml.safe_load((FOLDER / "github-actions.yaml").read_text())
    assert re.search(r"git\+https://.*@FULL-COMMIT-ID$", workflow["env"]["STRANGLER_PACKAGE"])
    installs = [step["run"] for step in steps() if "pip install" in step.get("run", "")]
    assert set(installs) == {'pip install "$STRANGLER_PACKAGE"'}


def test_exit_codes_are_all_there():
    told = re.findall(r"^\| (\d) \|", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert [int(code) for code in told] == [0, *sorted(set(EXIT_CODES.values()))]


def test_nothing_that_people_write_is_put_into_a_script():
    assert not any("${{" in step.get("run", "") for step in steps())


def test_the_table_of_the_readme_names_commands_that_are_there():
    named = set(re.findall(r"\| `strangler (\w+)", (FOLDER / "README.md").read_text()))
    assert named == {"check", "plan", "apply"}
