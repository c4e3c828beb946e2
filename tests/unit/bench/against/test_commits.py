"""What is compared, as git tells it."""

import subprocess

import pytest

from bench.against.commits import CommitError, export, named, working_tree


def git(root, *words):
    author = ("-c", "user.name=x", "-c", "user.email=x@localhost")
    done = subprocess.run(["git", "-C", root, *author, *words], capture_output=True, check=True)
    return done.stdout.decode()


@pytest.fixture
def root(tmp_path):
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.py").write_text("one\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "one")
    return tmp_path


def exported(root, tree, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    export(root, tree, folder)
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_commit_with_the_same_files_is_the_same_code(root):
    git(root, "commit", "-q", "--allow-empty", "-m", "nothing")
    assert named(root, "HEAD").tree == named(root, "HEAD~1").tree
    assert named(root, "main").label.startswith("main (")


@pytest.mark.parametrize("wrong", ["HEAD~7", "nonsense", "", "--all", "HEAD:a.py"])
def test_what_is_no_commit_is_told_with_what_to_write(root, wrong):
    with pytest.raises(CommitError, match="is not a commit of this repository: write HEAD~1"):
        named(root, wrong)


def test_a_clean_working_tree_is_its_head(root):
    assert working_tree(root).tree == named(root, "HEAD").tree


def test_the_working_tree_has_what_is_not_committed_and_stays_as_it_is(root, tmp_path_factory):
    (root / "a.py").write_text("two\n")
    (root / "staged.py").write_text("new\n")
    git(root, "add", "staged.py")
    (root / "untracked.py").write_text("no part of it\n")
    before = git(root, "status", "--porcelain")
    found = exported(root, working_tree(root).tree, tmp_path_factory)
    assert found == {"a.py": "two\n", "staged.py": "new\n"}
    assert git(root, "status", "--porcelain") == before
    assert git(root, "stash", "list") == ""
    assert exported(root, named(root, "HEAD").tree, tmp_path_factory) == {"a.py": "one\n"}


def test_a_tree_that_is_not_there_cannot_be_exported(root, tmp_path):
    with pytest.raises(CommitError, match="cannot export"):
        export(root, "1" * 40, tmp_path)
