"""The real command line in a folder of its own, and a real gateway where a test wants one."""

import json
import os
import signal
import socket
import subprocess
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from support import commands

TEXT = """\
# The shop.
version: 1
gateway: {{admin: "127.0.0.1:{admin}", listen: "127.0.0.1:{listen}", access_log: {{format: off}}}}
upstreams:
  legacy:
    endpoints: [http://127.0.0.1:{legacy}]   # gunicorn
  reviews: {{endpoints: [http://127.0.0.1:{legacy}]}}
default: legacy

routes:
  # The pilot.
  - name: reviews
    match: {{prefix: /reviews, methods: [GET]}}
    split: {{reviews: 0, legacy: 100}}   # canary
  - name: feed
    match: {{path: /feed.xml}}
    respond: {{status: 410}}
"""


class Shop:
    """A folder with a routes.yaml, and commands in it."""

    def __init__(self, folder: Path, ports: dict[str, int]) -> None:
        self.folder = folder
        self.file = folder / "routes.yaml"
        self.ports = ports
        self.text = TEXT.format(**ports)
        self.file.write_text(self.text)
        self._gateways: list[commands.Command] = []

    def command(self, *words: str) -> list[str]:
        """The whole command line, for a process that is started without help."""
        return [*commands.STRANGLER, *words]

    def env(self, **extra: str) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("STRANGLER")}
        return {**kept, "COLUMNS": "80", **extra}

    def tried(self, *words: str, env: dict[str, str] | None = None):
        return commands.run(*words, cwd=self.folder, env=self.env(**(env or {})))

    def run(self, *words: str, code: int = 0, env: dict[str, str] | None = None):
        done = self.tried(*words, env=env)
        assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
        return done

    def json(self, *words: str, **options):
        return json.loads(self.run(*words, "--json", **options).stdout)

    def replaced(self, *pairs: tuple[str, str]) -> str:
        text = self.file.read_text()
        for before, after in pairs:
            assert before in text
            text = text.replace(before, after)
        self.file.write_text(text)
        return text

    def serve(self, *words: str, ready: bool = True, **env: str) -> commands.Command:
        log = (self.folder / "gateway.log").open("ab")
        gateway = commands.Command(
            "serve", "--workers", "1", *words, cwd=self.folder,
            env=self.env(**env), stdout=log, stderr=log,
        )  # fmt: skip
        log.close()
        self._gateways.append(gateway)
        if ready:
            wait_for(lambda: gateway.poll() is not None or self.answers("/readyz"), self.log)
            assert gateway.poll() is None, self.log()
        return gateway

    def log(self) -> str:
        return (self.folder / "gateway.log").read_text()

    def answers(self, path: str) -> bool:
        try:
            self.get(self.ports["admin"], path)
        except OSError:
            return False
        return True

    def get(self, port: int, path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.read().decode()

    def live(self) -> int:
        return json.loads(self.get(self.ports["admin"], "/api/status"))["live"]["number"]

    def stop(self, gateway: commands.Command | subprocess.Popen) -> int:
        gateway.send_signal(signal.SIGTERM)
        return gateway.wait(30)

    def close(self) -> None:
        for gateway in self._gateways:
            if gateway.poll() is None:
                try:
                    self.stop(gateway)
                except subprocess.TimeoutExpired:
                    gateway.kill()
                    gateway.wait(10)


def wait_for(condition, told=lambda: "", seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class _Hello(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = b"hello from the monolith"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        """Quiet."""


@pytest.fixture
def monolith():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Hello)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    thread.join(10)
    server.server_close()


@pytest.fixture
def shop(tmp_path, monolith):
    found = Shop(tmp_path, {"admin": unused_port(), "listen": unused_port(), "legacy": monolith})
    yield found
    found.close()


@pytest.fixture
def eventually():
    return wait_for


@pytest.fixture
def free_port():
    return unused_port
