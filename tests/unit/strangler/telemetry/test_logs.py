import json
import subprocess
import sys

import pytest

from strangler.telemetry.logs import BLOT, redact


def test_secrets_are_blotted_out_by_name_at_any_depth() -> None:
    event = {
        "event": "request_failed",
        "headers": {"Authorization": "Bearer hush", "Set-Cookie": "a=hush", "Accept": "*/*"},
        "admin_token": "hush",
        "cookie_key": b"hush",
        "tokens_used": 3,
        "attempts": [{"password": "hush"}],
    }
    clean = redact(None, "info", event)
    assert "hush" not in repr(clean)
    assert clean["headers"]["Accept"] == "*/*"
    assert clean["admin_token"] == BLOT
    assert clean["tokens_used"] == 3


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgresql://shop:hush@db/shop", f"postgresql://shop:{BLOT}@db/shop"),
        ("cannot reach redis://:hush@cache:6379", f"cannot reach redis://:{BLOT}@cache:6379"),
        ("http://127.0.0.1:8101/readyz", "http://127.0.0.1:8101/readyz"),
    ],
)
def test_passwords_in_urls_are_blotted_out(text: str, clean: str) -> None:
    assert redact(None, "info", {"event": text})["event"] == clean


def test_a_secret_that_is_not_set_may_be_told() -> None:
    assert redact(None, "info", {"admin_token": None})["admin_token"] is None


def test_without_a_terminal_events_are_json_with_the_context_on_standard_error() -> None:
    code = (
        "import structlog\n"
        "from strangler.telemetry import logs\n"
        "logs.configure()\n"
        "structlog.contextvars.bind_contextvars(request_id='5d3a', trace_id='ab')\n"
        "log = structlog.get_logger()\n"
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    log.exception('went_wrong', n=1)\n"
        "log.debug('not_shown')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    event = json.loads(line)
    assert event["event"] == "went_wrong"
    assert (event["request_id"], event["trace_id"]) == ("5d3a", "ab")
    assert event["level"] == "error"
    assert event["timestamp"].endswith("Z")
    assert "ZeroDivisionError" in event["exception"]
