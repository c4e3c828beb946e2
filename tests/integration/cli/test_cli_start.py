"""A gateway that cannot start says why in one sentence, and leaves nothing behind."""

import os
import signal
import socket
import subprocess
import sys

import pytest


def refused(shop, *words: str) -> str:
    """The log of a gateway that must refuse to start."""
    gateway = shop.serve(*words, ready=False)
    assert gateway.wait(30) == 1
    assert "Traceback" not in shop.log()
    return shop.log()


def test_a_port_that_somebody_listens_on(shop):
    with socket.create_server(("127.0.0.1", shop.ports["listen"])):
        log = refused(shop)
    assert f"cannot listen on 127.0.0.1:{shop.ports['listen']}: " in log
    assert "in use" in log


@pytest.mark.parametrize("address", ["nonsense", "nobody.invalid:80", "203.0.113.5:80"])
def test_an_address_that_is_not_ours(shop, address):
    assert f"cannot listen on {address}" in refused(shop, "--listen", address)


def test_an_empty_folder_stays_empty(shop):
    shop.file.unlink()
    assert "strangler init" in shop.run("serve", code=1).stderr
    assert list(shop.folder.iterdir()) == []


def test_certificate_files_that_are_missing(shop):
    shop.replaced(("format: off}", "format: off}, tls: {certificate: no.pem, key: no.key}"))
    assert "there is no file `no.pem`" in refused(shop)


def grouped(shop) -> subprocess.Popen:
    """A gateway in a process group of its own, as a shell or systemd starts one."""
    with (shop.folder / "gateway.log").open("wb") as log:
        return subprocess.Popen(
            shop.command("serve", "--workers", "2"), cwd=shop.folder, env=shop.env(),
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", ["admin_listening", "worker_started", "gateway_started"])
def test_a_signal_to_the_whole_group_ends_it_without_a_fuss(shop, eventually, number, moment):
    gateway = grouped(shop)
    try:
        eventually(lambda: moment in shop.log(), shop.log)
        os.killpg(gateway.pid, number)
        assert gateway.wait(30) == 0, shop.log()
    finally:
        if gateway.poll() is None:
            os.killpg(gateway.pid, signal.SIGKILL)
            gateway.wait(10)
    told = shop.log()
    assert "Traceback" not in told
    assert "worker_died" not in told
    assert told.count('"stopped"') + told.count(" stopped") == 1, told


def test_ctrl_c_before_anything_was_started(shop):
    # Whoever started the tests in the background may have them ignore interrupts.
    code = "import os, signal, strangler.bootstrap as b, cli\n" \
           "signal.signal(signal.SIGINT, signal.default_int_handler)\n" \
           "b.serve = lambda *_: os.kill(os.getpid(), signal.SIGINT)\n" \
           "cli.main(['serve'])"  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=shop.folder, env=shop.env(),
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (130, False), done
