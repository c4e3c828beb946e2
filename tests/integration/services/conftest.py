"""The monolith, and beside it both services, filled from the same seed, on either database."""

import pytest
from support import databases

from tests.integration.legacy_monolith.shop_process import Browser, environment, manage, shop
from tests.integration.services.service_process import fill, served

PARTS = ("reviews", "notices", "faq")


@pytest.fixture(scope="session")
def seed_files(tmp_path_factory):
    """The exported seed: part to file of JSON lines."""
    folder = tmp_path_factory.mktemp("seed")
    env = environment(folder, f"sqlite:///{folder}/unused.sqlite3")
    files = {part: folder / f"{part}.jsonl" for part in PARTS}
    for part, file in files.items():
        file.write_text(manage("export_seed", part, "--size", "small", env=env), encoding="utf-8")
    return files


@pytest.fixture(scope="session")
def legacy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    with shop(folder, f"sqlite:///{folder}/shop.sqlite3") as port:
        yield Browser(port)


@pytest.fixture(scope="session")
def postgres():
    """Gives the URL of an empty database for each name; skips where no server can be started."""
    with databases.postgres() as server:

        def database(name: str) -> str:
            server.psql(f"CREATE DATABASE {name};")
            return databases.postgres_url(server, name)

        yield database


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database_urls(request, tmp_path_factory):
    """Service to URL of a database of its own, filled."""
    if request.param == "postgresql":
        return {name: request.getfixturevalue("postgres")(name) for name in ("reviews", "notices")}
    folder = tmp_path_factory.mktemp("services")
    return {name: f"sqlite:///{folder}/{name}.sqlite3" for name in ("reviews", "notices")}


@pytest.fixture(scope="session")
def filled(database_urls, seed_files):
    fill("reviews", database_urls["reviews"], str(seed_files["reviews"]))
    both = ["--notices", str(seed_files["notices"]), "--faq", str(seed_files["faq"])]
    fill("notices", database_urls["notices"], *both)
    return database_urls


@pytest.fixture(scope="session")
def reviews(filled):
    with served("reviews", filled["reviews"]) as process:
        yield Browser(process.port)


@pytest.fixture(scope="session")
def notices(filled):
    with served("notices", filled["notices"]) as process:
        yield Browser(process.port)
