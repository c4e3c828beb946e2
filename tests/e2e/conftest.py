"""The real monolith under gunicorn and the real gateway, once for the tests of a process."""

import pytest

from tests.e2e.gateway import Gateway
from tests.integration.legacy_monolith.shop_process import Browser, shop

TABLE = """\
upstreams:
  legacy: {{endpoints: ["http://127.0.0.1:{legacy}"]}}
default: legacy
"""


@pytest.fixture(scope="session")
def legacy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    with shop(folder, f"sqlite:///{folder}/shop.sqlite3") as port:
        yield port


@pytest.fixture(scope="session")
def shop_gateway(legacy, tmp_path_factory):
    running = Gateway(tmp_path_factory.mktemp("gateway"), TABLE.format(legacy=legacy))
    yield running
    running.close()


@pytest.fixture
def visitor(shop_gateway):
    return Browser(shop_gateway.port)


@pytest.fixture(scope="session")
def member(shop_gateway):
    return Browser(shop_gateway.port).log_in("member1")


@pytest.fixture(scope="session")
def staff(shop_gateway):
    return Browser(shop_gateway.port).log_in("admin")
