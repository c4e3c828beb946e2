import pytest

from strangler.demo.failure import DemoError
from strangler.demo.folder import Folder


@pytest.fixture
def routes(tmp_path):
    path = tmp_path / "original.yaml"
    path.write_text("version: 1\n")
    return path


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "demo")


def test_a_second_demo_is_refused_while_the_first_runs(folder):
    running = pytest.raises(DemoError, match="is running in")
    with folder.used(), running, folder.used():
        pass
    with folder.used():
        pass


def test_what_was_done_is_remembered(folder, routes):
    with folder.used():
        assert folder.is_new()
        done = folder.filled(folder.prepare(routes), "legacy")
        assert done.filled == ("legacy",)
        assert folder.prepare(routes) == done
        assert not folder.is_new()


def test_a_table_that_was_edited_stays(folder, routes):
    with folder.used():
        folder.prepare(routes)
        folder.routes.write_text("version: 2\n")
        folder.prepare(routes)
        assert folder.routes.read_text() == "version: 2\n"


def test_clearing_forgets_all_and_spares_what_is_not_ours(folder, routes):
    with folder.used():
        secret = folder.prepare(routes).secret
        (folder.path / "notes.txt").write_text("mine")
        folder.clear()
        assert folder.is_new()
        assert (folder.path / "notes.txt").exists()
        assert folder.prepare(routes).secret != secret


@pytest.mark.parametrize("left", ["", "[]", "{}", '{"layout": 0, "secret": "", "filled": []}'])
def test_what_cannot_be_read_is_told(folder, routes, left):
    with folder.used():
        folder.prepare(routes)
        (folder.path / "state.json").write_text(left)
        with pytest.raises(DemoError, match="another release"):
            folder.prepare(routes)


def test_the_secret_is_nobody_elses(folder, routes):
    with folder.used():
        folder.prepare(routes)
        assert (folder.path / "state.json").stat().st_mode & 0o077 == 0
