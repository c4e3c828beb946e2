import pytest

from strangler.kit.databases import database_of, family, mysql_tls


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


def test_who_names_an_authority_has_the_server_checked():
    url = "mysql://u@h/d?ssl_ca=%2Fetc%2Fca.pem&charset=x"
    checked = {"ssl_ca": "/etc/ca.pem", "ssl_verify_cert": True, "ssl_verify_identity": True}
    assert mysql_tls(url) == checked
    assert mysql_tls(f"{url}&ssl_verify_identity=false") == checked | {"ssl_verify_identity": False}
    assert mysql_tls("mysql://u@h/d?ssl_cert=c&ssl_key=k") == {"ssl_cert": "c", "ssl_key": "k"}
    assert mysql_tls("mysql://u@h/d") == mysql_tls("http://[") == {}


def test_a_unix_socket_has_no_tls_unless_somebody_asks_for_it():
    url = "mysql://root@%2Frun%2Fmysqld.sock/shop"
    assert mysql_tls(url) == {"ssl_disabled": True}
    assert mysql_tls("mysql://root@/shop?unix_socket=/run/mysqld.sock") == {"ssl_disabled": True}
    assert mysql_tls(f"{url}?ssl_disabled=false") == {"ssl_disabled": False}
    assert mysql_tls(f"{url}?ssl_cert=c&ssl_key=k") == {"ssl_cert": "c", "ssl_key": "k"}
