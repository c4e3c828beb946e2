"""Commands, files and other processes against a running gateway."""

import json
import os
import signal
import socket
import urllib.error
import urllib.request

import pytest


def test_commands_go_through_the_gateway_and_the_file_follows(shop, eventually):
    gateway = shop.serve()
    assert shop.get(shop.ports["listen"], "/reviews/1") == "hello from the monolith"
    answer = shop.json("canary", "reviews", "12.5", "--reason", "few")
    assert [replica["current"] for replica in answer["replicas"]] == [True]
    expected = shop.text.replace("version: 1", "version: 2")
    expected = expected.replace("{reviews: 0, legacy: 100}", "{reviews: 12.5, legacy: 87.5}")
    assert shop.file.read_text() == expected

    status = shop.json("status")
    assert status["gateway"]
    assert {worker["version"] for worker in status["workers"]} == {2}
    assert status["since"] == 2
    assert shop.run("status").stdout.count("12.5 %") == 1
    assert "strangler_requests_total" in shop.get(shop.ports["admin"], "/metrics")
    assert shop.stop(gateway) == 0
    assert not shop.json("status")["replicas"]


def test_a_saved_file_goes_live_and_a_broken_one_changes_nothing(shop, eventually):
    shop.serve()
    good = shop.replaced(("version: 1", "version: 2"), ("/feed.xml", "/feed"))
    eventually(lambda: shop.live() == 2, shop.log)
    shop.file.write_text(good.replace("version: 2", "version: 3").replace("default: legacy", ""))
    eventually(lambda: shop.json("status")["refusal"], shop.log)
    status = shop.json("status")
    assert status["live"]["number"] == 2
    assert any("default" in problem for problem in status["refusal"]["problems"])
    assert "reload_refused" in shop.log()
    assert "was refused" in shop.run("status").stdout
    shop.file.write_text(good.replace("version: 2", "version: 3").replace("/feed", "/news"))
    eventually(lambda: shop.live() == 3, shop.log)
    assert shop.json("status")["refusal"] is None


def test_rebase_says_that_a_watching_gateway_makes_it_live(shop, eventually):
    shop.serve()
    shop.replaced(("/feed.xml", "/feed"))  # not live: its number stayed
    dry = shop.run("rebase", "--dry-run").stdout
    assert "would go live at once, as a gateway watches this file" in " ".join(dry.split())
    assert shop.live() == 1
    said = shop.run("rebase").stdout
    assert "goes live now, as a gateway watches this file" in " ".join(said.split())
    eventually(lambda: shop.live() == 2, shop.log)


def test_status_counts_since_the_live_version(shop):
    def taken() -> int:
        shares = shop.json("status")["groups"][0]["shares"]
        return sum(share["requests"] for share in shares)

    shop.serve()
    for _ in range(3):
        shop.get(shop.ports["listen"], "/reviews/5")
    assert taken() == 3
    shop.run("canary", "reviews", "50")
    assert taken() == 0
    shop.get(shop.ports["listen"], "/reviews/5")
    assert taken() == 1
    assert "groups since version 2" in shop.run("status").stdout


def test_a_half_saved_file_never_goes_live(shop, eventually):
    shop.serve()
    whole = shop.text.replace("version: 1", "version: 2").replace("/feed.xml", "/feed")
    half = whole[: whole.index("  - name: feed")]
    with shop.file.open("w") as file:
        file.write(half)
        file.flush()
        file.write(whole[len(half) :])
    eventually(lambda: shop.live() == 2, shop.log)
    assert "feed" in json.loads(shop.get(shop.ports["admin"], "/api/versions/2"))["text"]


def test_a_file_put_in_place_by_a_rename_goes_live(shop, eventually):
    shop.serve()
    new = shop.folder / "new.yaml"
    new.write_text(shop.text.replace("version: 1", "version: 2").replace("/feed.xml", "/feed"))
    new.rename(shop.file)
    eventually(lambda: shop.live() == 2, shop.log)


def test_what_another_process_commits_goes_live(shop, eventually):
    shop.serve()
    env = {"STRANGLER_ADMIN": ""}
    outside = shop.folder / "elsewhere"
    outside.mkdir()
    (outside / "routes.yaml").write_text(shop.file.read_text().replace(
        f"127.0.0.1:{shop.ports['admin']}", "127.0.0.1:1"))  # fmt: skip
    store = f"sqlite:///{shop.folder}/.strangler/store.sqlite3"
    shop.run(
        "canary", "reviews", "5", "--store", store, "--routes", "elsewhere/routes.yaml", env=env
    )
    eventually(lambda: shop.json("status")["workers"][0]["version"] == 2, shop.log)


def test_the_store_beats_a_broken_file_at_a_restart(shop):
    shop.stop(shop.serve())
    shop.file.write_text("version: 2\nnonsense: true\n")
    shop.serve()
    assert shop.live() == 1
    assert shop.get(shop.ports["listen"], "/x") == "hello from the monolith"
    assert "unknown" in shop.log() or "nonsense" in shop.log()


def test_a_bad_first_load_refuses_to_start_and_says_why(shop):
    shop.replaced(("default: legacy", "default: nobody"))
    gateway = shop.serve(ready=False)
    assert gateway.wait(30) == 1
    assert "routes.yaml:8:10: " in shop.log()


def test_an_address_in_use_is_said(shop):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", shop.ports["admin"]))
        taken.listen()
        gateway = shop.serve(ready=False)
        assert gateway.wait(30) == 1
    assert f"cannot listen on 127.0.0.1:{shop.ports['admin']}" in shop.log()
    assert shop.json("history") == []  # no version that its author never saw live


def test_an_open_admin_port_needs_tokens(shop):
    gateway = shop.serve("--admin", f"0.0.0.0:{shop.ports['admin']}", ready=False)
    assert gateway.wait(30) == 1
    assert "strangler token" in shop.log()


def test_tokens_decide_who_may_change(shop):
    made = [shop.run("token", name, "--role", role) for name, role in
            (("dash", "viewer"), ("ci", "operator"))]  # fmt: skip
    tokens = shop.folder / "tokens"
    tokens.write_text("".join(each.stderr for each in made))
    viewer, operator = (each.stdout.strip() for each in made)
    shop.serve(STRANGLER_ADMIN_TOKENS_FILE=str(tokens))
    assert "token is needed" in shop.run("status", code=6).stderr
    shop.run("status", env={"STRANGLER_ADMIN_TOKEN": viewer})
    shop.run("canary", "reviews", "5", code=6, env={"STRANGLER_ADMIN_TOKEN": viewer})
    shop.run("canary", "reviews", "5", env={"STRANGLER_ADMIN_TOKEN": operator})
    assert shop.json("history", env={"STRANGLER_ADMIN_TOKEN": viewer})[0]["author"] == "ci"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Content-Type": "application/json"}, 200),
        ({"Content-Type": "application/json", "Origin": "http://evil.example"}, 403),
        ({"Content-Type": "application/json", "Host": "evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 400),
    ],
)
def test_a_browser_is_not_the_user(shop, headers, status):
    shop.serve()
    request = urllib.request.Request(
        f"http://127.0.0.1:{shop.ports['admin']}/api/plan",
        data=json.dumps({"text": shop.text}).encode(),
        headers=headers,
    )
    assert answered(request) == status


def answered(request: urllib.request.Request) -> int:
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code if json.loads(error.read())["error"] else 0


def test_a_unix_socket_serves_the_api(shop, eventually):
    path = shop.folder / "admin.sock"
    shop.serve("--admin", f"unix:{path}", ready=False)
    eventually(lambda: "gateway_started" in shop.log(), shop.log)
    assert shop.json("status", "--admin", f"unix:{path}")["gateway"]


def test_what_only_a_restart_can_change_is_said(shop, eventually):
    shop.serve()
    shop.replaced((f"127.0.0.1:{shop.ports['listen']}", "127.0.0.1:1"))
    assert "`gateway.listen` takes effect when" in shop.tried("plan").stdout
    shop.replaced(("version: 1", "version: 2"))
    eventually(lambda: "restart_needed" in shop.log(), shop.log)


def test_sighup_reads_the_file_again(shop, eventually):
    gateway = shop.serve()
    os.kill(gateway.pid, signal.SIGHUP)
    eventually(lambda: "reload_asked" in shop.log(), shop.log)
    assert shop.live() == 1


def test_a_gateway_of_another_folder_is_not_used(shop):
    shop.serve()
    other = shop.folder / "other"
    other.mkdir()
    (other / "routes.yaml").write_text(shop.text)
    shop.run("apply", "--routes", "other/routes.yaml")
    shop.run("canary", "reviews", "5", "--routes", "other/routes.yaml")
    assert shop.live() == 1
