import pytest

from strangler.kit.databases import database_of, family


@pytest.mark.parametrize(
    "urls",
    [
        (
            "postgresql://a:x@DB/shop",
            "postgres://db:5432/shop?sslmode=require",
            "postgresql+psycopg://b@db/shop",
        ),
        ("mysql://localhost/shop", "mariadb://127.0.0.1:3306/shop", "mysql+pymysql://[::1]/shop"),
        ("sqlite:///a.db", "sqlite:///./a.db"),
        ("postgresql:///shop?host=/run/pg", "postgresql://u@/shop?host=/run/pg&user=x"),
    ],
)
def test_urls_of_one_database(urls):
    assert len({database_of(url) for url in urls}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("postgresql://db/shop", "postgresql://db/other"),
        ("postgresql://db/shop", "postgresql://db:5433/shop"),
        ("postgresql://db/shop", "mysql://db/shop"),
        ("sqlite:///a.db", "sqlite:////a.db"),
        ("postgresql:///shop?host=/run/pg", "postgresql:///shop?host=/run/other"),
        ("redis://a", "redis://b"),
    ],
)
def test_urls_of_two_databases(one, other):
    assert database_of(one) != database_of(other)


def test_families():
    assert family("mariadb+pymysql://h/d") == "mysql"
    assert family("http://h") is family("http://[") is None
