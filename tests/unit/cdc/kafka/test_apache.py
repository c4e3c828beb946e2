"""The settings of a cluster on one machine."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from cdc.kafka import apache

ROOT = Path(__file__).parents[4]


def cluster(tmp_path, count):
    return [apache.Node(n, 9000 + n, 9100 + n, tmp_path / str(n)) for n in range(1, count + 1)]


def lines(node, nodes):
    return dict(line.split("=", 1) for line in apache.settings(node, nodes).splitlines())


def test_one_node_needs_no_other(tmp_path):
    (node,) = nodes = cluster(tmp_path, 1)
    said = lines(node, nodes)
    assert said["listeners"] == "PLAINTEXT://127.0.0.1:9001,CONTROLLER://127.0.0.1:9101"
    assert said["transaction.state.log.replication.factor"] == "1"
    assert said["min.insync.replicas"] == "1"


def test_of_three_nodes_one_may_be_lost(tmp_path):
    nodes = cluster(tmp_path, 3)
    said = lines(nodes[1], nodes)
    voters = "1@127.0.0.1:9101,2@127.0.0.1:9102,3@127.0.0.1:9103"
    assert said["controller.quorum.voters"] == voters
    assert said["node.id"] == "2"
    assert said["default.replication.factor"] == "3"
    assert said["min.insync.replicas"] == "2"


def test_without_java_there_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(apache.NotAvailableError, match="Java 17"):
        apache.start_command(cluster(tmp_path, 1)[0])


def test_without_maven_there_is_a_sentence_and_nothing_half_fetched(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(apache.NotAvailableError, match="Maven"):
        apache.libraries()
    assert [path.suffix for path in (tmp_path / "cache" / "strangler").iterdir()] == [".lock"]


def test_what_was_fetched_is_not_fetched_again(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "strangler" / f"kafka-{apache.VERSION}"
    folder.mkdir(parents=True)
    assert apache.libraries() == folder


def test_the_pom_says_which_release_it_is_and_the_tests_have_the_same_one():
    assert re.fullmatch(r"\d+\.\d+\.\d+", apache.VERSION)
    assert f"<kafka.version>{apache.VERSION}</kafka.version>" in apache.POM.read_text()
    link = ROOT / "tests/kafka/pom.xml"
    assert link.is_symlink()
    assert link.readlink() == Path("../../cdc/kafka/pom.xml")
    assert link.resolve() == ROOT / "cdc/kafka/pom.xml"


def test_the_pom_is_installed_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "pom.xml" in project["tool"]["setuptools"]["package-data"]["cdc.kafka"]
