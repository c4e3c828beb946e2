"""Closed-loop cases: as many requests as the proxy's core can serve, and what each costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bench import procfs, requests, verify, wrk
from bench.cases.base import Case, Context
from bench.peers.base import Running
from bench.setup import SIDE_BYTES, Setup
from bench.upstreams import LARGE_BYTES


def small_answers(
    running: Running, setup: Setup, context: Context, cookies: Sequence[str] = ()
) -> Mapping[str, float]:
    """150-byte answers over kept connections. `cookies` replaces the usual identities."""
    own = cookies or requests.identities()
    verify.check_sides(running, setup, own)
    verify.check_headers(running)
    upstreams = context.upstreams
    before = upstreams.served(setup.old), upstreams.served(setup.new)
    figures, values = load(running, requests.gets(setup, own), SIDE_BYTES, context)
    old = upstreams.served(setup.old) - before[0]
    new = upstreams.served(setup.new) - before[1] - 1  # the count itself is a request
    verify.check_share(old, new, figures.requests, canary=setup.canary)
    return values


def large_answers(running: Running, _setup: Setup, context: Context) -> Mapping[str, float]:
    """1 MB answers."""
    verify.check_large(running, context.upstreams)
    return load(running, requests.large(), LARGE_BYTES, context)[1]


def posts(running: Running, _setup: Setup, context: Context) -> Mapping[str, float]:
    """10 KB bodies, counted by the upstream."""
    verify.check_post(running)
    return load(running, requests.posts(), len(b'{"bytes":10240}'), context)[1]


def load(
    running: Running, sent: Sequence[bytes], body: int, context: Context
) -> tuple[wrk.Figures, dict[str, float]]:
    """Run wrk and take the proxy's CPU time and memory around it."""
    file = context.folder / "requests"
    requests.write(sent, file)
    tree, control = running.child.tree(), running.control()
    cpu, control_cpu = procfs.cpu_us(tree), procfs.cpu_us(control)
    url = f"{'https' if running.tls else 'http'}://127.0.0.1:{running.port}"
    figures = wrk.run(url, file, seconds=context.seconds, cores=context.cores)
    cpu, control_cpu = procfs.cpu_us(tree) - cpu, procfs.cpu_us(control) - control_cpu
    verify.check_load(figures.errors, figures.bytes, figures.requests, body)
    return figures, {
        "cpu_us": cpu / figures.requests,
        "control_us": control_cpu / figures.requests,
        "busy": cpu / 1e6 / figures.seconds,
        "rps": figures.requests / figures.seconds,
        "mb_s": figures.bytes / figures.seconds / 1e6,
        "p50_us": figures.p50_us,
        "p99_us": figures.p99_us,
        "rss": running.rss(),
        "pss": running.pss(),
    }


CASES = (
    Case("routes-1", Context.one_route, small_answers),
    Case("large", Context.one_route, large_answers),
    Case("routes-100", Context.hundred_routes, small_answers),
    Case("canary", Context.core_path, small_answers),
    Case("post", Context.bodies, posts),
)
