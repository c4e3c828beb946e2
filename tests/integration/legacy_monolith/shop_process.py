"""The shop as a process: migrated, seeded, served by gunicorn on a free port."""

import contextlib
import http.client
import json
import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

ROOT = Path(__file__).parents[3]
PASSWORD = "shop-demo"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="(\w+)"')


def manage(*words: str, env: dict[str, str]) -> str:
    """Runs a management command and gives back what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "legacy_monolith.manage", *words],
        cwd=ROOT, env=env, capture_output=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def environment(folder: Path, database_url: str) -> dict[str, str]:
    return os.environ | {
        "DATABASE_URL": database_url,
        "SHOP_SECRET_KEY": "of the tests",
        "SHOP_MEDIA_ROOT": str(folder / "media"),
        "SHOP_DEBUG": "",
    }


@contextlib.contextmanager
def shop(folder: Path, database_url: str):
    """Gives the port of a served shop with the small data set."""
    env = environment(folder, database_url)
    manage("migrate", "-v0", env=env)
    manage("seed", "--size", "small", env=env)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, "-m", "gunicorn", "legacy_monolith.wsgi:application"]
        command += ["--bind", f"fd://{listener.fileno()}", "--threads", "4"]
        command += ["--worker-class", "gthread", "--log-level", "warning", "--no-control-socket"]
        with (folder / "gunicorn.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=env, stderr=log, pass_fds=[listener.fileno()]
            )
    try:
        wait_until_healthy(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def wait_until_healthy(port: int, process: subprocess.Popen) -> None:
    for _ in range(300):
        assert process.poll() is None, "gunicorn ended"
        with contextlib.suppress(OSError):
            if Browser(port).get("/healthz").status == 200:
                return
        time.sleep(0.1)
    raise AssertionError("the shop did not become healthy")


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


@dataclass
class Browser:
    """A visitor: keeps cookies, follows nothing."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookies:
            names["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        with contextlib.closing(connection):
            connection.request(method, path, body or None, names)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        for line in answer.headers.get_all("Set-Cookie", []):
            name, value = line.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer

    def get(self, path: str) -> Answer:
        return self.ask("GET", path)

    def send_json(self, method: str, path: str, data: object, **headers: str) -> Answer:
        token = self.get("/api/csrf").json["token"]
        body = json.dumps(data).encode()
        kind = "application/json"
        return self.ask(method, path, body, Content_Type=kind, X_CSRFToken=token, **headers)

    def send_form(self, path: str, page: str | None = None, **fields: object) -> Answer:
        """Sends a form with the token of the page that it stands on."""
        token = TOKEN.search(self.get(page or path).text)
        assert token, "the page has no form"
        body = urlencode(fields | {"csrfmiddlewaretoken": token[1]}).encode()
        return self.ask("POST", path, body, Content_Type="application/x-www-form-urlencoded")

    def log_in(self, username: str) -> "Browser":
        answer = self.send_form("/accounts/login/", username=username, password=PASSWORD)
        assert answer.status == 302, answer.text
        return self
