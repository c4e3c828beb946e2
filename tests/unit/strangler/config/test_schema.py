from pathlib import Path

import jsonschema
import pytest
from jsonschema import Draft202012Validator

from cdc.config import SYNC
from strangler.config.load import check
from strangler.config.schema import json_schema
from strangler.kit.compose import compose
from strangler.kit.nodes import Mapping, Sequence

SCHEMA = json_schema({"sync": SYNC})
HERE = Path(__file__).parent
EXAMPLE = (HERE.parents[3] / "routes.yaml").read_text()


def plain(node):
    """A node as an editor sees it: YAML 1.2's core types."""
    if isinstance(node, Mapping):
        return {key.raw: plain(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    if node.is_null:
        return None
    if not node.quote and node.raw in {"true", "false"}:
        return node.raw == "true"
    try:
        return node.raw if node.quote else float(node.raw)
    except ValueError:
        return node.raw


def document(text):
    root, problems = compose(text, {})
    assert root is not None, problems
    return plain(root)


def test_the_schema_is_one():
    Draft202012Validator.check_schema(SCHEMA)


def test_the_example_of_this_repository_is_valid():
    jsonschema.validate(document(EXAMPLE), SCHEMA, Draft202012Validator)


def test_a_section_is_in_the_schema_of_who_registers_it():
    assert "sync" in SCHEMA["properties"]
    assert "sync" not in json_schema()["properties"]


@pytest.mark.parametrize("name", ["unknown_keys", "units", "half_written"])
def test_broken_files_are_invalid(name):
    text = (HERE / "broken" / f"{name}.yaml").read_text()
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document(text), SCHEMA, Draft202012Validator)


def records(schema, path=()):
    """Every mapping with fixed keys, by its path."""
    if "properties" in schema:
        yield path, schema
        for key, inner in schema["properties"].items():
            yield from records(inner, (*path, key))
    for inner in schema.get("anyOf", []):
        yield from records(inner, path)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from records(schema["additionalProperties"], (*path, "NAME"))
    if "items" in schema:
        yield from records(schema["items"], (*path, 0))


def nested(path, inner):
    for step in reversed(path):
        inner = f"[{inner}]" if step == 0 else f"{{{step}: {inner}}}"
    return inner


@pytest.mark.parametrize(
    ("path", "schema"), list(records(SCHEMA)), ids=lambda value: str(value)[:60]
)
def test_the_loader_knows_the_keys_of_the_schema_and_no_others(path, schema):
    keys = ", ".join(f"{key}: [[]]" for key in (*schema["properties"], "nonsense"))
    problems = check(nested(path, f"{{{keys}}}"), env={}, sections={"sync": SYNC}).problems
    unknown = [p.message for p in problems if "is not a key of" in p.message]
    assert len(unknown) == 1
    assert unknown[0].startswith("`nonsense` is not a key of")
