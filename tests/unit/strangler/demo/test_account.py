import os
import pwd

import pytest

from strangler.demo import account

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes somebody else")


def test_a_closed_folder_above_closes_what_is_below(tmp_path):
    below = tmp_path / "closed" / "below"
    below.mkdir(parents=True)
    (tmp_path / "closed").chmod(0o700)
    assert not account.open_to_all(below)


@pytest.mark.skipif(os.geteuid() == 0, reason="root becomes somebody else")
def test_an_ordinary_user_stays_who_they_are(tmp_path):
    found = account.account(tmp_path)
    assert (found.user, found.data) == ("", tmp_path / "postgres")


@root_only
def test_root_keeps_data_elsewhere_where_others_may_not_go(tmp_path):
    tmp_path.chmod(0o700)
    found = account.account(tmp_path)
    try:
        assert found.user == "nobody"
        assert tmp_path not in found.data.parents
        assert account.open_to_all(found.data.parent)
        found.own(found.data)
        assert found.data.stat().st_uid == pwd.getpwnam("nobody").pw_uid
        assert found.data.stat().st_mode & 0o077 == 0
    finally:
        account.forget(tmp_path)
    assert not found.data.parent.exists()
