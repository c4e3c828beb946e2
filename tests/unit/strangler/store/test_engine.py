import stat

import pytest
from sqlalchemy import create_engine, text

from strangler.rollout.versions import StoreError
from strangler.store import open_store, store_url


def test_the_default_lies_beside_the_file_for_its_owner_alone(tmp_path):
    url = store_url(None, tmp_path)
    assert url == f"sqlite:///{tmp_path}/.strangler/store.sqlite3"
    open_store(url).close()
    folder = tmp_path / ".strangler"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert (folder / ".gitignore").read_text() == "*\n"
    assert store_url("sqlite:///x", tmp_path) == "sqlite:///x"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("nonsense", "is no store"),
        ("sqlite://", "forgotten"),
        ("mysql://a/b", "not supported"),
        ("sqlite:////proc/nowhere/store.sqlite3", "cannot make the store's folder"),
    ],
)
def test_a_store_that_cannot_be_is_told_in_a_sentence(url, why):
    with pytest.raises(StoreError, match=why):
        open_store(url)


def test_a_password_is_never_shown():
    with pytest.raises(StoreError) as caught:
        open_store("postgresql+psycopg://me:hush@127.0.0.1:1/x")
    assert "hush" not in str(caught.value)


def test_a_store_of_a_newer_release_is_refused(tmp_path):
    url = store_url(None, tmp_path)
    open_store(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE strangler_schema SET version = 99"))
    engine.dispose()
    with pytest.raises(StoreError, match="a newer release"):
        open_store(url)
