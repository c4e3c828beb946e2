"""Seed data: the same each time."""

import shutil
import sqlite3
import subprocess
import sys
from itertools import pairwise

from legacy_monolith.seed_orders import order_lines, orders
from legacy_monolith.seeding import SIZES, members, products, reviews
from tests.integration.legacy_monolith.shop_process import ROOT, environment, manage


def dump(path):
    """Every row of the shop's own tables; Django's own have dates of their making."""
    with sqlite3.connect(path) as db:
        lines = list(db.iterdump())
    db.close()
    return [line for line in lines if not line.startswith('INSERT INTO "django_')]


def test_two_shops_get_the_same_rows(tmp_path):
    dumps = []
    empty = tmp_path / "empty.sqlite3"
    manage("migrate", "-v0", env=environment(tmp_path, f"sqlite:///{empty}"))
    for name in ("one", "two"):
        shutil.copy(empty, tmp_path / f"{name}.sqlite3")
        env = environment(tmp_path, f"sqlite:///{tmp_path}/{name}.sqlite3")
        manage("seed", "--size", "small", env=env)
        dumps.append(dump(tmp_path / f"{name}.sqlite3"))
    assert dumps[0] == dumps[1]
    manage("seed", "--size", "small", "--reset", env=env)
    assert dump(tmp_path / "two.sqlite3") == dumps[0]

    again = subprocess.run(
        [sys.executable, "-m", "legacy_monolith.manage", "seed"],
        cwd=ROOT, env=env, capture_output=True, timeout=60, text=True,
    )  # fmt: skip
    assert again.returncode == 1
    assert "has data already" in again.stderr


def test_no_model_has_changed_without_a_migration(tmp_path):
    env = environment(tmp_path, f"sqlite:///{tmp_path}/unused.sqlite3")
    assert "No changes" in manage("makemigrations", "--check", env=env)


def test_references_lead_to_rows():
    size = SIZES["small"]
    people = {row["id"] for row in members(size)}
    goods = {row["id"] for row in products(size)}
    placed = {row["id"]: row for row in orders(size)}
    assert {row["author_id"] for row in reviews(size)} <= people
    assert {row["product_id"] for row in reviews(size)} <= goods
    totals = dict.fromkeys(placed, 0)
    for line in order_lines(size):
        totals[line["order_id"]] += line["unit_price"] * line["quantity"]
    assert totals == {key: row["total"] for key, row in placed.items()}


def test_each_size_begins_like_no_other_but_keeps_its_keys():
    keys = [row["id"] for row in reviews(SIZES["demo"])]
    assert all(b == a + 1 for a, b in pairwise(keys))
    assert len(keys) == SIZES["demo"].reviews
