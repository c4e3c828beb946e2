"""One served shop for the tests of a process; those that count stock use products of their own."""

import pytest

from tests.integration.legacy_monolith.shop_process import Browser, shop


@pytest.fixture(scope="session")
def shop_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="session")
def shop_port(shop_folder):
    with shop(shop_folder, f"sqlite:///{shop_folder}/shop.sqlite3") as port:
        yield port


@pytest.fixture
def visitor(shop_port):
    return Browser(shop_port)


@pytest.fixture(scope="session")
def member(shop_port):
    return Browser(shop_port).log_in("member1")


@pytest.fixture(scope="session")
def staff(shop_port):
    return Browser(shop_port).log_in("admin")
