"""A service from outside: its tables, readiness, an absent database, signals, its log."""

import html
import json
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from services.common.database import database_url
from tests.integration.legacy_monolith.shop_process import Browser
from tests.integration.services.copying import arrive, mark_filled
from tests.integration.services.service_process import Process, schema, served

REVIEW = {
    "id": 1, "product_id": 7, "author_id": 3, "rating": 4, "title": "</title><script>",
    "body": "One\n\nTwo <b>\nThree", "created_at": "2026-01-31 09:30:00.25+00",
    "updated_at": "2026-02-01 00:00:00+00",
}  # fmt: skip
PRODUCT = {"id": 7, "name": "Teapot <7>"}
AUTHOR = {"id": 3, "username": "ada", "display_name": "Ada & Co"}


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/deep/er/reviews.sqlite3"
    name = "".join(c if c.isalnum() else "_" for c in tmp_path.name.lower())
    return request.getfixturevalue("postgres")(f"own_{name}")


@pytest.fixture
def made(url):
    """URL of a database with the reviews' tables and no row."""
    schema("reviews", url)
    return url


def test_ready_once_every_table_has_been_filled(url):
    with served("reviews", url) as process:
        visitor = Browser(process.port)
        assert visitor.get("/healthz").json == {"status": "ok"}
        assert not_filled(visitor) == "reviews, products, authors"
        mark_filled(url, "reviews", "questions")
        assert not_filled(visitor) == "products, authors"
        mark_filled(url, "authors")
        assert not_filled(visitor) == "products"
        mark_filled(url, "products", stream="another")
        assert visitor.get("/readyz").json == {"status": "ready"}
        assert visitor.get("/api/reviews").json["count"] == 0


def not_filled(visitor: Browser) -> str:
    """The tables that the service waits for."""
    refused = visitor.get("/readyz")
    assert (refused.status, refused.json["error"]) == (503, "not_filled")
    detail = refused.json["detail"]
    return detail.removeprefix("Not filled yet: ").split(".")[0]


def test_tables_are_made_before_anybody_serves(url):
    for _ in range(2):
        event = json.loads(schema("reviews", url))
        assert event["event"] == "schema_created"
        assert event["tables"] == ["authors", "products", "reviews"]
    arrive(url, "reviews", REVIEW)
    with served("reviews", url) as process:
        assert Browser(process.port).get("/api/reviews").json["count"] == 1


def test_names_arrive_after_the_review(made):
    arrive(made, "reviews", REVIEW)
    with served("reviews", made) as process:
        visitor = Browser(process.port)

        def names() -> tuple[str, str]:
            [listed] = visitor.get("/api/reviews?product=7").json["results"]
            assert visitor.get("/api/reviews/1").json == listed
            for path in ("/reviews/", "/reviews/product/7/"):
                shown = html.unescape(visitor.get(path).text)
                assert listed["product_name"] in shown
                assert listed["author"] in shown
            return listed["product_name"], listed["author"]

        assert names() == ("product 7", "a member")
        arrive(made, "authors", AUTHOR | {"display_name": ""})
        assert names() == ("product 7", "ada")
        arrive(made, "authors", AUTHOR)
        arrive(made, "products", PRODUCT)
        assert names() == ("Teapot <7>", "Ada & Co")


def test_a_product_without_reviews(made):
    arrive(made, "products", PRODUCT)
    with served("reviews", made) as process:
        page = Browser(process.port).get("/reviews/product/7/")
    assert page.status == 200
    assert "There are no reviews yet." in page.text
    assert "Teapot &lt;7&gt;" in page.text
    assert "/reviews/product/7/new/" in page.text


def test_moments_in_every_form_that_arrives(made):
    forms = {
        1: "2026-01-31 09:30:00+00", 2: "2026-01-31 09:30:00.25+00", 3: "2026-01-31 09:30:00.5",
        4: "2026-01-31 09:30:00.500001", 5: "1970-01-01 00:00:00", 6: "9999-12-31 23:59:59.999999",
    }  # fmt: skip
    rows = [REVIEW | {"id": key, "created_at": form} for key, form in forms.items()]
    arrive(made, "reviews", *rows)
    with served("reviews", made) as process:
        results = Browser(process.port).get("/api/reviews").json["results"]
    assert [(review["id"], review["created_at"]) for review in results] == [
        (6, "9999-12-31T23:59:59.999999Z"),
        (4, "2026-01-31T09:30:00.500001Z"),
        (3, "2026-01-31T09:30:00.500000Z"),
        (2, "2026-01-31T09:30:00.250000Z"),
        (1, "2026-01-31T09:30:00.000000Z"),
        (5, "1970-01-01T00:00:00.000000Z"),
    ]


def test_no_row_is_refused_for_what_is_in_it(made):
    """Limits are the monolith's business: its own may be wider some day."""
    odd = REVIEW | {"id": 2**63 - 1, "rating": 65_535, "title": "", "body": "x" * 100_000}
    arrive(made, "reviews", odd, REVIEW | {"rating": 0})
    with served("reviews", made) as process:
        visitor = Browser(process.port)
        assert visitor.get(f"/api/reviews/{2**63 - 1}").json["body"] == odd["body"]
        assert visitor.get("/reviews/").status == 200
        assert visitor.get("/api/reviews/summary?product=7").json["count"] == 2


def test_two_processes_start_on_an_empty_database(url):
    both = [Process("reviews", url), Process("reviews", url)]
    try:
        for process in both:
            assert Browser(process.started().port).get("/api/reviews").status == 200
    finally:
        assert [process.stop() for process in both] == [0, 0]


def test_what_visitors_wrote_stays_text(made):
    arrive(made, "reviews", REVIEW)
    arrive(made, "products", PRODUCT)
    with served("reviews", made) as process:
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
    told = schema("reviews", dead_url, code=1)
    assert "The database does not answer. No table was created." in told
    assert "hidden" not in told


def test_an_unusable_url():
    assert "DATABASE_URL cannot be used" in schema("reviews", "no-database", code=1)


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
    schema("reviews", url)
    arrive(url, "reviews", REVIEW)
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
    schema("reviews", url)
    arrive(url, "reviews", REVIEW)
    mark_filled(url, "reviews", "products", "authors")
    with served("reviews", url) as process:
        visitor = Browser(process.port)
        libpq = database_url(url).set(drivername="postgresql").render_as_string()
        with psycopg.connect(libpq) as other:
            other.execute("LOCK TABLE strangler_filled")
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


def test_both_halves_of_notices_are_needed(tmp_path):
    url = f"sqlite:///{tmp_path}/notices.sqlite3"
    with served("notices", url) as process:
        visitor = Browser(process.port)
        assert not_filled(visitor) == "notices, questions"
        mark_filled(url, "notices", stream="notices")
        assert not_filled(visitor) == "questions"
