"""A service from outside: filling, readiness, an absent database, signals, its log."""

import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from services.common.database import database_url
from tests.integration.legacy_monolith.shop_process import Browser
from tests.integration.services.service_process import Process, fill, served

REVIEW = {
    "id": 1, "product_id": 7, "product_name": "Teapot <7>", "author_id": 3, "author": "Ada & Co",
    "rating": 4, "title": "</title><script>", "body": "One\n\nTwo <b>\nThree",
    "created_at": "2026-01-31T10:30:00.000001+01:00", "updated_at": "2026-02-01T00:00:00Z",
}  # fmt: skip


def lines(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/er/reviews.sqlite3"
    name = "".join(c if c.isalnum() else "_" for c in tmp_path.name.lower())
    return request.getfixturevalue("postgres")(f"own_{name}")


def test_ready_once_filled(url):
    with served("reviews", url) as process:
        visitor = Browser(process.port)
        assert visitor.get("/healthz").json == {"status": "ok"}
        refused = visitor.get("/readyz")
        assert (refused.status, refused.json["error"]) == (503, "not_filled")
        assert "reviews" in refused.json["detail"]
        fill("reviews", url, "-", lines="")
        assert visitor.get("/readyz").json == {"status": "ready"}
        assert visitor.get("/api/reviews").json["count"] == 0


def test_filling_again_brings_rows_up_to_date(url):
    other = REVIEW | {"id": 2}
    fill("reviews", url, "-", lines=lines(REVIEW, other))
    fill("reviews", url, "-", lines="\n" + lines(other, REVIEW | {"title": "Changed"}))
    with served("reviews", url) as process:
        results = Browser(process.port).get("/api/reviews").json["results"]
    assert [review["title"] for review in results] == [other["title"], "Changed"]
    assert results[1]["created_at"] == "2026-01-31T09:30:00.000001Z"


def test_a_bad_line_leaves_everything_as_it_was(url):
    fill("reviews", url, "-", lines=lines(REVIEW))
    many = [REVIEW | {"id": number} for number in range(1, 2500)]
    message = fill("reviews", url, "-", lines=lines(*many, REVIEW | {"rating": 6}), code=1)
    assert "<stdin>:2500: rating must be from 1 to 5" in message
    with served("reviews", url) as process:
        assert Browser(process.port).get("/api/reviews").json["count"] == 1


def test_two_processes_start_on_an_empty_database(url):
    both = [Process("reviews", url), Process("reviews", url)]
    try:
        for process in both:
            assert Browser(process.started().port).get("/api/reviews").status == 200
    finally:
        assert [process.stop() for process in both] == [0, 0]


def test_what_visitors_wrote_stays_text(url):
    fill("reviews", url, "-", lines=lines(REVIEW))
    with served("reviews", url) as process:
        page = Browser(process.port).get("/reviews/product/7/").text
    assert "<script>" not in page
    assert "Teapot &lt;7&gt;" in page
    assert "<p>One</p>\n\n<p>Two &lt;b&gt;<br>Three</p>" in page


@pytest.fixture
def dead_url():
    """Nobody listens there."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    return f"postgresql+psycopg://nobody:hidden@127.0.0.1:{port}/none"


def test_without_its_database(dead_url):
    with served("reviews", dead_url) as process:
        visitor = Browser(process.port)
        assert visitor.get("/healthz").status == 200
        for path in ("/readyz", "/api/reviews", "/api/reviews/1", "/api/reviews/summary?product=1"):
            answer = visitor.get(path)
            assert answer.status == 503
            assert answer.json["error"] == "unavailable"
            assert answer.headers["Retry-After"]
            assert "hidden" not in answer.text
        page = visitor.get("/reviews/")
        assert (page.status, "Traceback" in page.text) == (503, False)
    assert "Nothing was written" in fill("reviews", dead_url, "-", lines="", code=1)


def test_an_unusable_url():
    message = fill("reviews", "no-database", "-", lines="", code=1)
    assert "DATABASE_URL cannot be used" in message


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_ends_by_a_signal_also_with_an_idle_connection(tmp_path, number):
    url = f"sqlite:///{tmp_path}/reviews.sqlite3"
    with (
        served("reviews", url) as process,
        socket.create_connection(("127.0.0.1", process.port)) as idle,
    ):
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 200"
        process.popen.send_signal(number)
        assert process.ended() == 0


def wait_for_a_waiting_lock(connection: psycopg.Connection) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE relation = 'reviews'::regclass AND NOT granted"
    for _ in range(500):
        if connection.execute(waiting).fetchone() != (0,):
            return
        time.sleep(0.02)
    raise AssertionError("nothing waits for the lock")


def test_a_request_under_way_is_answered_before_the_end(postgres):
    url = postgres("under_way")
    fill("reviews", url, "-", lines=lines(REVIEW))
    with (
        served("reviews", url) as process,
        psycopg.connect(database_url(url).set(drivername="postgresql").render_as_string()) as other,
        ThreadPoolExecutor(1) as pool,
    ):
        other.execute("LOCK TABLE reviews")
        answer = pool.submit(Browser(process.port).get, "/api/reviews/1")
        wait_for_a_waiting_lock(other)
        process.popen.terminate()
        process.event("service_stopping")
        other.rollback()
        assert answer.result().json["title"] == REVIEW["title"]
        assert process.ended() == 0


def test_a_database_that_accepts_and_says_nothing(postgres):
    url = postgres("silent")
    fill("reviews", url, "-", lines=lines(REVIEW))
    with served("reviews", url) as process:
        visitor = Browser(process.port)
        libpq = database_url(url).set(drivername="postgresql").render_as_string()
        with psycopg.connect(libpq) as other:
            other.execute("LOCK TABLE filled")
            refused = visitor.get("/readyz")
            assert (refused.status, refused.json["error"]) == (503, "unavailable")
            assert "in time" in refused.json["detail"]
            assert visitor.get("/healthz").status == 200
            assert visitor.get("/api/reviews/1").status == 200
        assert visitor.get("/readyz").json == {"status": "ready"}


def test_what_nobody_thought_of_shows_no_traceback(postgres):
    url = postgres("no_table")
    libpq = database_url(url).set(drivername="postgresql").render_as_string()
    with served("reviews", url) as process:
        with psycopg.connect(libpq) as other:
            other.execute("DROP TABLE reviews")
        visitor = Browser(process.port)
        answer = visitor.ask("GET", "/api/reviews", X_Request_ID="r-2")
        assert answer.status == 500
        assert answer.json == {
            "error": "server_error",
            "detail": "Something went wrong on our side.",
        }
        event = process.event("request_failed")
        assert event["request_id"] == "r-2"
        assert "UndefinedTable" in event["exception"]
        page = visitor.get("/reviews/")
        assert page.status == 500
        assert "Traceback" not in page.text


def test_one_event_a_request(tmp_path):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    with served("reviews", f"sqlite:///{tmp_path}/reviews.sqlite3") as process:
        visitor = Browser(process.port)
        parent = f"00-{trace}-00f067aa0ba902b7-01"
        answer = visitor.ask(
            "GET", "/api/reviews/9?secret=1", X_Request_ID="r-1", traceparent=parent
        )
        assert answer.headers["X-Request-ID"] == "r-1"
        event = process.event("request")
        assert (event["request_id"], event["trace_id"]) == ("r-1", trace)
        assert (event["method"], event["path"], event["status"]) == ("GET", "/api/reviews/9", 404)
        made = visitor.ask("GET", "/healthz", X_Request_ID="bad id").headers["X-Request-ID"]
        assert process.event("request")["request_id"] == made != "bad id"


def test_both_halves_of_notices_are_needed(tmp_path, seed_files):
    url = f"sqlite:///{tmp_path}/notices.sqlite3"
    assert "Name what to fill" in fill("notices", url, code=2)
    fill("notices", url, "--notices", str(seed_files["notices"]))
    with served("notices", url) as process:
        assert "questions" in Browser(process.port).get("/readyz").json["detail"]
