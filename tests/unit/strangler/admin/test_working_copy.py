import stat

from strangler.admin.working_copy import WorkingCopy

BASE = "version: 1\n# hello\ndefault: legacy\n"
LIVE = "version: 2\n# hello\ndefault: other\n"


def test_there_may_be_no_file(tmp_path):
    copy = WorkingCopy(tmp_path / "routes.yaml")
    assert copy.read() is None
    assert copy.follow(BASE, LIVE) is None


def test_writing_keeps_the_mode_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "routes.yaml"
    path.write_text(BASE)
    path.chmod(0o640)
    WorkingCopy(path).write(LIVE)
    assert path.read_text() == LIVE
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link(tmp_path):
    real, link = tmp_path / "real.yaml", tmp_path / "routes.yaml"
    real.write_text(BASE)
    link.symlink_to(real)
    WorkingCopy(link).write(LIVE)
    assert link.is_symlink()
    assert real.read_text() == LIVE


def test_an_unedited_file_follows(tmp_path):
    path = tmp_path / "routes.yaml"
    path.write_text(BASE)
    note = WorkingCopy(path).follow(BASE, LIVE)
    assert path.read_text() == LIVE
    assert note is not None
    assert (note.written, note.note) == (True, "")


def test_edits_are_kept_and_said(tmp_path):
    path = tmp_path / "routes.yaml"
    path.write_text(BASE + "upstreams: {}\n")
    note = WorkingCopy(path).follow(BASE, LIVE)
    assert path.read_text() == LIVE + "upstreams: {}\n"
    assert note is not None
    assert "not live" in note.note


def test_a_file_in_conflict_is_left_byte_for_byte(tmp_path):
    path = tmp_path / "routes.yaml"
    mine = BASE.replace("legacy", "mine")
    path.write_text(mine)
    note = WorkingCopy(path).follow(BASE, LIVE)
    assert path.read_text() == mine
    assert note is not None
    assert not note.written
    assert "strangler rebase" in note.note


def test_a_file_that_is_no_text_is_left_and_said(tmp_path):
    path = tmp_path / "routes.yaml"
    path.write_bytes(b"\xff\xfe")
    note = WorkingCopy(path).follow(BASE, LIVE)
    assert note is not None
    assert "cannot be read" in note.note
