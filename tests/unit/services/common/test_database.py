"""A DATABASE_URL as people write it."""

import pytest

from services.common.database import database_url


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sqlite:///a/b.sqlite3", "sqlite:///a/b.sqlite3"),
        ("postgres://u:p@h:5/d", "postgresql+psycopg://u:p@h:5/d"),
        ("postgresql://u@h/d", "postgresql+psycopg://u@h/d"),
        ("postgresql+psycopg://u@h/d?sslmode=require", None),
        ("postgresql://u@%2Ftmp%2Fa%20b/d", "postgresql+psycopg://u@/d?host=%2Ftmp%2Fa+b"),
        ("postgresql://u@%2ftmp:5433/d", "postgresql+psycopg://u@:5433/d?host=%2Ftmp"),
        ("postgresql://u@/d?host=/tmp", "postgresql+psycopg://u@/d?host=%2Ftmp"),
    ],
)
def test_database_url(text, expected):
    assert database_url(text).render_as_string(hide_password=False) == (expected or text)
