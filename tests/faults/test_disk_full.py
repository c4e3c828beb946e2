"""Disks that are full where the relay writes: what it was not sure of, it does again."""

import os
import subprocess

import psycopg
from support.arriving import assert_arrives
from support.pipes import until

BIG = "INSERT INTO tag SELECT 'big', i, repeat('x', 500) FROM generate_series(1, 20000) i"


def test_a_transaction_that_does_not_fit_on_the_disk_is_told_and_waits_for_room(
    pipe, broker, tiny, tmp_path
):
    shop = pipe(broker)
    name = shop.stream.name
    tiny(tmp_path / ".strangler" / "spill", "512k")
    with shop.process("run", name):
        shop.snapshotted()
        with psycopg.connect(shop.stream.source) as connection:
            connection.execute(BIG)
        until(lambda: "o space left" in shop.log("run"), "a sentence about the disk")
        remount = ["mount", "-o", "remount,size=64m", tmp_path / ".strangler" / "spill"]
        subprocess.run(remount, check=True)
    assert_arrives(shop)


def test_a_checkpoint_that_finds_no_room_is_saved_later(pipe, broker, tiny, tmp_path):
    home = tmp_path / ".strangler"
    tiny(home, "2m")
    shop = pipe(broker)
    name = shop.stream.name
    with shop.process("run", name) as relay:
        shop.snapshotted()
        with (home / "ballast").open("wb") as ballast:
            while True:
                try:
                    os.write(ballast.fileno(), bytes(4096))
                except OSError:
                    break
        until(lambda: "store of checkpoints" in shop.log("run"), "a sentence about the store")
        with psycopg.connect(shop.stream.source) as connection:
            connection.execute("UPDATE review SET stars = 77")
        assert relay.poll() is None
        (home / "ballast").unlink()
    assert_arrives(shop)
