"""Which places are watched, and what is made of what is read there."""

import asyncio
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from strangler.admin.watcher import FileWatcher, watched
from strangler.admin.working_copy import WorkingCopy


class Noted:
    """What a watcher hands on."""

    def __init__(self, path: Path) -> None:
        self.taken: list[str] = []
        self.refused: list[str] = []
        self.watcher = FileWatcher(WorkingCopy(path), self.take, self.refused.append)

    async def take(self, saved) -> None:
        self.taken.append(saved.text)

    async def has(self, *texts: str) -> None:
        async with asyncio.timeout(30):
            while self.taken != list(texts):
                await asyncio.sleep(0.01)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "routes.yaml"


@pytest.fixture
def noted(path):
    return Noted(path)


@pytest.fixture
async def running(noted):
    async with watching(noted):
        yield noted


@asynccontextmanager
async def watching(noted):
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(noted.watcher.run(look_anyway=0.2))
        yield
        task.cancel()


def test_a_plain_file_is_the_only_place(path):
    assert watched(path) == {path}


def test_every_link_on_the_way_is_a_place(tmp_path, path):
    (tmp_path / "..one").mkdir()
    (tmp_path / "..data").symlink_to("..one")
    path.symlink_to("..data/routes.yaml")
    assert watched(path) == {path, tmp_path / "..data", tmp_path / "..one" / "routes.yaml"}


def test_a_circle_of_links_ends(tmp_path, path):
    path.symlink_to("other.yaml")
    (tmp_path / "other.yaml").symlink_to("routes.yaml")
    assert {path, tmp_path / "other.yaml"} <= watched(path)


async def test_a_config_map_that_is_turned_twice(tmp_path, path, running):
    def turn(name: str) -> None:
        (tmp_path / name).mkdir()
        (tmp_path / name / "routes.yaml").write_text(name)
        (tmp_path / "..new").symlink_to(name)
        old = (tmp_path / "..data").resolve()
        (tmp_path / "..new").rename(tmp_path / "..data")
        if old.name != "..data":
            (old / "routes.yaml").unlink()
            old.rmdir()

    turn("..1")
    path.symlink_to("..data/routes.yaml")
    await running.has("..1")
    turn("..2")
    await running.has("..1", "..2")
    turn("..3")
    await running.has("..1", "..2", "..3")


async def test_what_cannot_be_read_is_told_once_and_forgotten_when_it_can(path, noted):
    path.mkdir()
    await noted.watcher.look()
    await noted.watcher.look()
    assert [text.count("Is a directory") for text in noted.refused] == [1]
    path.rmdir()
    path.write_bytes(b"\xff")
    await noted.watcher.look()
    assert len(noted.refused) == 2
    path.write_text("good")
    await noted.watcher.look()
    assert noted.taken == ["good"]


async def test_a_file_that_comes_back_as_it_was_is_handed_on_again(path, noted):
    path.write_text("good")
    await noted.watcher.look()
    path.write_bytes(b"\xff")
    await noted.watcher.look()
    path.write_text("good")
    await noted.watcher.look()
    assert noted.taken == ["good", "good"]


async def test_a_folder_that_is_replaced_is_watched_again(tmp_path):
    folder = tmp_path / "table"
    folder.mkdir()
    (folder / "routes.yaml").write_text("1")
    noted = Noted(folder / "routes.yaml")
    async with watching(noted):
        await noted.has("1")
        folder.rename(tmp_path / "before")
        folder.mkdir()
        (folder / "routes.yaml").write_text("2")
        await noted.has("1", "2")


async def test_what_is_written_beside_the_file_wakes_nobody(tmp_path, path, noted, monkeypatch):
    path.write_text("1")
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(noted.watcher.run(look_anyway=60))
        await noted.has("1")
        reads = []
        read = WorkingCopy.read
        monkeypatch.setattr(WorkingCopy, "read", lambda file: reads.append(1) or read(file))
        for number in range(40):
            (tmp_path / "access.log").write_text(str(number))
            await asyncio.sleep(0.02)
        path.write_text("2")
        await noted.has("1", "2")
        task.cancel()
    assert len(reads) <= 3  # the last two, and one in case an editor was half through
