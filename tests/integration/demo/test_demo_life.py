"""The demo from its first start to its end, as a person meets it."""

import contextlib
import os
import shlex
import signal
import urllib.request

import psutil
import pytest
from support import commands

from strangler.config.edit import set_version
from strangler.rollout.document import version_of
from tests.integration.demo.demo_process import Demo, run, wait_for


@pytest.fixture
def started(kept_folder):
    with contextlib.ExitStack() as kept:

        def start() -> Demo:
            demo = Demo(kept_folder)
            kept.callback(demo.close)
            return demo

        yield start


def get(url: str) -> tuple[int, str]:
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.status, answer.read().decode()


def strangler(demo: Demo, *words: str) -> str:
    """A command in the demo's folder, as the demo tells people to type it."""
    said = dict(line.removeprefix("export ").split("=", 1)
                for line in (demo.folder / "env").read_text().splitlines())  # fmt: skip
    env = {**os.environ, **{name: shlex.split(value)[0] for name, value in said.items()},
           "STRANGLER_ADMIN": demo.urls["admin"].removeprefix("http://")}  # fmt: skip
    done = commands.run(*words, cwd=demo.folder, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_starts_serves_stops_and_starts_again(started, kept_folder):
    demo = started()
    urls = demo.urls
    pipes = {f"{part}-{name}" for part in ("relay", "applier") for name in ("reviews", "notices")}
    assert set(demo.pids) == {
        "postgres", "kafka", "legacy", "reviews", "notices", "gateway", *pipes,
    }  # fmt: skip
    assert "Log in" in get(urls["gateway"] + "/accounts/login/")[1]
    assert "Reviews" in get(urls["gateway"] + "/reviews/")[1]
    reviews = [get(urls[side] + "/api/reviews/7") for side in ("gateway", "legacy", "reviews")]
    assert len(set(reviews)) == 1
    assert get(urls["notices"] + "/readyz")[0] == 200

    assert "the table of the last time" not in demo.output()

    assert "Version 2" in strangler(demo, "cutover", "reviews")
    wait_for(lambda: "Version 2 is live" in demo.output(), demo.output)
    assert "split: {reviews: 100, legacy: 0}" in (demo.folder / "routes.yaml").read_text()

    twin = run("--dir", str(demo.folder), cwd=kept_folder)
    assert twin.returncode == 1
    assert f"A demo is running in {demo.folder} already." in twin.stderr
    assert demo.process.poll() is None

    output = demo.output()
    assert all(url.removeprefix("http://") in output for url in urls.values())
    commands = "  "  # those hold paths, which may be long
    told = [line for line in output.splitlines() if not line.startswith(commands)]
    assert max(map(len, told)) <= 80
    assert "\x1b" not in output  # no colours in a file

    assert demo.signal(signal.SIGINT) == 0
    assert demo.nothing_left()
    assert not (demo.folder / "addresses.json").exists()

    again = started()
    assert "made-up data" not in again.output()
    assert '"live": 2' in strangler(again, "plan", "--json")
    assert "the table of the last time, version 2; to begin anew:" in again.output()
    assert "demo --fresh" in again.output()
    assert again.signal(signal.SIGTERM) == 0
    assert again.nothing_left()


def test_what_becomes_of_a_saved_file_is_said_in_its_terminal(started):
    demo = started()
    file = demo.folder / "routes.yaml"
    text = file.read_text()
    number = version_of(text)
    after = set_version(text, number + 1)
    try:
        file.write_text(after + "nonsense: 1\n")
        wait_for(lambda: "Not live" in demo.output(), demo.output)
        wait_for(lambda: "`nonsense`" in demo.output(), demo.output)
        file.write_text(after + "# a remark\n")
        wait_for(lambda: f"Version {number + 1} is live" in demo.output(), demo.output)
    except AssertionError:
        file.write_text(text)
        raise


def test_nothing_outlives_a_demo_that_is_killed(started):
    demo = started()
    demo.signal(signal.SIGKILL)
    wait_for(demo.nothing_left)


def test_a_part_that_dies_is_started_again_until_it_has_died_too_often(started):
    demo = started()
    for part in ("relay-reviews", "applier-reviews", "reviews"):
        die(demo, part)
    revived = "The relay of reviews was ended by SIGKILL. It was started again."
    wait_for(lambda: revived in demo.output())
    wait_for(lambda: answers(demo.urls["reviews"] + "/readyz"), demo.output)
    strangler(demo, "cdc", "probe", "reviews", "--within", "40")  # ends with 0: all goes on
    log = (demo.folder / "log" / "relay-reviews.log").read_text()
    assert log.count("relay_started") >= 2, "what it said before is kept"

    while demo.pid("reviews") is not None:
        die(demo, "reviews")
    assert demo.process.wait(60) == 1
    assert demo.nothing_left()
    assert "The reviews service was ended by SIGKILL, 6 times within 120 s." in demo.output()
    assert "The last lines of" in demo.output()
    assert "log/reviews.log" in demo.output()


def test_the_database_s_death_ends_the_demo_with_its_name(started):
    demo = started()
    psutil.Process(demo.pids["postgres"]).kill()
    assert demo.process.wait(60) == 1
    wait_for(demo.nothing_left)
    assert "PostgreSQL was ended by SIGKILL." in demo.output()
    assert "The last lines of" in demo.output()


def die(demo: Demo, part: str) -> None:
    """Kill a part, and wait until it is another process or the demo is ending."""
    before = demo.pid(part)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(before).kill()
    wait_for(lambda: demo.pid(part) != before, demo.output)


def answers(url: str) -> bool:
    try:
        return get(url)[0] == 200
    except OSError:
        return False
