"""docs/routes-yaml.md says what the loader does: the same keys, defaults, examples and buckets."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from cdc.config import SYNC
from cdc.config import model as sync
from strangler.config import model
from strangler.config.load import check, table_shape
from strangler.kit.compose import compose
from strangler.kit.reader import Reader
from strangler.kit.records import Record
from strangler.routing.split import bucket

DOC = (Path(__file__).parents[3] / "docs" / "routes-yaml.md").read_text()
SHAPE = table_shape({"sync": SYNC})
DEFAULTS = {
    "gateway": model.Gateway(),
    "gateway.timeouts": model.ClientTimeouts(),
    "gateway.limits": model.Limits(),
    "gateway.hold": model.Hold(),
    "gateway.access_log": model.AccessLog(),
    "gateway.cookie": model.ProxyCookie(),
    "upstreams.NAME": model.Upstream("x", ()),
    "upstreams.NAME.health": model.Health("/"),
    "upstreams.NAME.tls": model.UpstreamTls(),
    "upstreams.NAME.timeouts": model.DEFAULT_TIMEOUTS,
    "groups.NAME": model.Group("x", "x"),
    "routes[].redirect": model.Redirect(),
    "routes[].respond": model.Respond(410),
    "sync.NAME": sync.Stream("x", "", (), sync.Topics("x")),
    "sync.NAME.kafka": sync.Kafka(),
    "sync.NAME.topics": sync.Topics("x"),
    "sync.NAME.limits": sync.Limits(),
    "sync.NAME.tables[]": sync.TableSync("x", "x"),
}


def keys_by_path(schema, path=""):
    """What the schema knows: the keys of every record, by its path."""
    found = {}
    if "properties" in schema:
        found[path] = set(schema["properties"])
        for key, inner in schema["properties"].items():
            found |= keys_by_path(inner, f"{path}.{key}" if path else key)
    for inner in schema.get("anyOf", []):
        found |= keys_by_path(inner, path)
    if isinstance(schema.get("additionalProperties"), dict):
        found |= keys_by_path(schema["additionalProperties"], f"{path}.NAME")
    if "items" in schema:
        found |= keys_by_path(schema["items"], f"{path}[]")
    return found


def documented():
    """What the document says: rows of cells of every table of keys, by the paths of its heading."""
    found = {}
    for part in re.split(r"^##+ ", DOC, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        if "| key | type | default | meaning |" in body:
            paths = re.findall(r"`([^`]+)`", heading) or [""]
            rows = re.findall(r"^\| `(\w+)` \| (.*?) \| ?(.*?) ?\| ?(.*?) ?\|$", body, re.MULTILINE)
            found |= dict.fromkeys(paths, rows)
    return found


def test_every_key_is_documented_and_no_other():
    keys = keys_by_path(SHAPE.schema)
    keys["groups.NAME.force"] = keys["routes[].force"]
    told = {path: {row[0] for row in rows} for path, rows in documented().items()}
    assert told == keys


def test_required_keys_are_called_so():
    for path, rows in documented().items():
        for key, _, default, _ in rows:
            field = _field(path, key)
            assert (default == "required") == field.required, (path, key)


@pytest.mark.parametrize("path", sorted(DEFAULTS))
def test_defaults_are_those_of_the_model(path):
    for key, _, default, _ in documented()[path]:
        literal = re.fullmatch(r"`([^`]+)`", default)
        if literal is None or not hasattr(DEFAULTS[path], key):
            continue
        root, _ = compose(f"- {literal[1]}\n" if literal[1] != "-" else "- '-'\n", {})
        value = _field(path, key).shape.read(root.items[0], Reader())
        assert value == getattr(DEFAULTS[path], key), (path, key)


def test_defaults_that_the_model_has_are_told():
    for path, instance in DEFAULTS.items():
        rows = {row[0]: row[2] for row in documented()[path]}
        for field in fields(instance):
            if field.name in rows and field.default not in {MISSING, None}:
                assert rows[field.name], (path, field.name)


def _field(path, key):
    """The loader's field for a key of the document."""
    shape = SHAPE
    for step in re.findall(r"\w+|\[\]", path):
        if step == "NAME":
            shape = getattr(shape, "_mapping", shape).value
        elif step == "[]":
            shape = shape.item
        else:
            shape = next(field.shape for field in shape.fields if field.key == step)
        shape = getattr(shape, "keys", shape)
    assert isinstance(shape, Record), path
    return next(field for field in shape.fields if field.key == key)


@pytest.mark.parametrize("block", re.findall(r"^```yaml\n(.*?)^```", DOC, re.MULTILINE | re.DOTALL))
def test_every_example_loads_without_a_problem(block):
    assert check(block, env={}, sections={"sync": SYNC}).problems == ()


def test_the_published_buckets_are_right():
    vectors = re.findall(r"^\| `([^`]+)` \| `([^`]+)` \| (\d+) \|$", DOC, re.MULTILINE)
    assert len(vectors) >= 5
    for identity, salt, expected in vectors:
        assert bucket(identity.encode(), salt.encode()) == int(expected)
