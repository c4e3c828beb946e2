"""What the decisions about one request cost: `python -m bench.routing`.

Prints medians in microseconds per call, each over several rounds; asserts nothing.
"""

from __future__ import annotations

import timeit
from collections.abc import Callable, Iterator
from itertools import cycle
from random import Random
from statistics import median

from strangler.config.load import check
from strangler.config.model import (
    Force,
    Group,
    HeaderRules,
    Match,
    PathKind,
    ProxyCookie,
    Rewrite,
    Route,
    Split,
    ValueMatch,
)
from strangler.routing.choose import Chooser
from strangler.routing.cookie import ProxyCookies
from strangler.routing.edit import line_editor
from strangler.routing.forwarded import Forwarding
from strangler.routing.headers import connection_nominated, valid_request_id, valid_traceparent
from strangler.routing.rewrite import CompiledRewrite
from strangler.routing.split import bucket
from strangler.routing.table import RoutingTable

ROUNDS = 9
CALLS = 20_000
ROUTES = 10_000
HOST = b"shop.example.com"
HEADERS = [
    (b"host", HOST),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"),
    (b"accept", b"application/json"),
    (b"accept-language", b"en-GB,en;q=0.5"),
    (b"accept-encoding", b"gzip, deflate, br"),
    (b"x-tenant", b"acme"),
    (b"cookie", b"csrftoken=abcdefghijklmnop; sessionid=0123456789abcdef"),
]
CANARY = Split((("new", 1000), ("legacy", 9000)))

Case = tuple[str, Callable[[], object]]


def route(name: str, match: Match, group: str = "g") -> Route:
    return Route(name, match, CANARY, group, "legacy")


def path_match(number: int) -> Match:
    """A mix as in a real table: half prefixes, templates, exact paths; some by method or host."""
    area, item = divmod(number, 20)
    methods = frozenset({"GET", "POST"}) if number % 7 == 0 else frozenset[str]()
    kind = (PathKind.PREFIX, PathKind.TEMPLATE, PathKind.PREFIX, PathKind.EXACT)[number % 4]
    text = f"/api/area{area}/part{item}"
    if kind is PathKind.TEMPLATE:
        text += "/{id}/details"
    return Match(kind, text, methods=methods)


def big_table(*, hosts: bool) -> list[Route]:
    routes = []
    for number in range(ROUTES):
        match = path_match(number)
        host = f"h{number % 50}.example.com" if hosts and number % 10 == 0 else None
        routes.append(route(f"r{number}", Match(match.kind, match.path, host, match.methods)))
    return routes


def matching() -> Iterator[Case]:
    table, by_host = RoutingTable(big_table(hosts=False)), RoutingTable(big_table(hosts=True))
    paths = {
        "prefix, 2 segments below": b"/api/area250/part2/reviews/5",
        "template": b"/api/area250/part1/4711/details",
        "exact path": b"/api/area250/part3",
        "no route": b"/accounts/login/",
        "escape in the path": b"/api/area250/part2/caf%C3%A9",
        "escaped slash and dots": b"/api/area250/part2/a%2Fb/./c",
    }
    for name, path in paths.items():
        yield (
            f"match, {ROUTES} routes: {name}",
            lambda path=path: table.match(b"GET", HOST, path, b"", HEADERS),
        )
    path = paths["prefix, 2 segments below"]
    yield (
        f"match, {ROUTES} routes, some by host",
        lambda: by_host.match(b"GET", HOST, path, b"", HEADERS),
    )
    condition = ValueMatch("x-tenant", exact="acme")
    tenant = RoutingTable([route("t", Match(PathKind.PREFIX, "/api", headers=(condition,)))])
    yield "match, a header condition", lambda: tenant.match(b"GET", HOST, path, b"", HEADERS)


def choosing() -> Iterator[Case]:
    cookies = ProxyCookies(ProxyCookie(), b"bench key of 16 bytes or more")
    numbers = Random(1)
    headers = [
        b"csrftoken=abcdefghijklmnop; "
        + cookies.issue(numbers.randbytes(16), False)[1].split(b";")[0]
        for _ in range(1000)
    ]
    one = headers[0]
    chooser = Chooser(route("r", Match()), Group("g", "g"))
    listed = Group("g", "g", allow=frozenset({"a"}), deny=frozenset({"b"}), force=Force("x-side"))
    overridden = Chooser(route("r", Match()), listed)

    def choose(chooser: Chooser, cookie: bytes) -> object:
        return chooser.choose(
            HEADERS, cookie, b"192.0.2.1", cookies, lambda: numbers.getrandbits(128)
        )

    yield "choose, sticky cookie seen before", lambda: choose(chooser, one)
    turn = cycle(headers)
    yield "choose, 1000 sticky cookies", lambda: choose(chooser, next(turn))
    yield "choose, lists and a forced header", lambda: choose(overridden, one)
    yield "choose, a new cookie", lambda: choose(chooser, b"")
    yield "bucket, not remembered", lambda: bucket(b"x" * 129, b"g")
    key = b"bench key of 16 bytes or more"
    yield (
        "verify a cookie for the first time",
        lambda: ProxyCookies(ProxyCookie(), key).identity(one),
    )


def heads() -> Iterator[Case]:
    lines = [b"%b: %b\r\n" % pair for pair in HEADERS]
    edit = line_editor(HeaderRules(remove=("x-tenant",), set=(("X-Side", "new"),)))
    forwarding = Forwarding(["10.0.0.0/8"], port=8080)
    given = [(b"x-forwarded-for", b"192.0.2.1, 10.0.0.3"), (b"x-forwarded-proto", b"https")]
    trace = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    rewrite = CompiledRewrite(Rewrite(strip_prefix="/api"))
    yield "rewrite a path", lambda: rewrite.path(b"/api/reviews/5")
    yield "header rules", lambda: edit(lines)
    yield "Connection: keep-alive", lambda: connection_nominated(b"keep-alive")
    yield "request id kept", lambda: valid_request_id(b"5f9c1a2e-6c1f-4f7e-9a57-2f2a3f1c2b1d")
    yield "traceparent kept", lambda: valid_traceparent(trace)
    yield (
        "forwarded lines, trusted",
        lambda: forwarding.lines(b"10.0.0.2", given, HOST, https=False),
    )


def as_yaml() -> str:
    """The same routes as a person would write them."""
    lines = [
        "version: 1",
        "upstreams:",
        "  legacy: {endpoints: [http://127.0.0.1:8000]}",
        "  fresh: {endpoints: [http://127.0.0.1:8001]}",
        "default: legacy",
        "routes:",
    ]
    for number in range(ROUTES):
        match = path_match(number)
        lines += [
            f"  - name: r{number}",
            f"    match: {{{match.kind}: '{match.path}', methods: [GET]}}",
            "    split: {fresh: 10, legacy: 90}",
        ]
    return "\n".join(lines)


def measure(call: Callable[[], object]) -> float:
    call()
    rounds = timeit.repeat(call, number=CALLS, repeat=ROUNDS)
    return median(rounds) / CALLS * 1e6


def main() -> None:
    routes = big_table(hosts=False)
    text = as_yaml()
    loaded = median(timeit.repeat(lambda: check(text, env={}), number=1, repeat=5))
    print(f"{'load and check ' + str(ROUTES) + ' routes':<48}{loaded * 1e3:>10.0f} ms")
    compiled = median(timeit.repeat(lambda: RoutingTable(routes), number=1, repeat=5))
    print(f"{'compile ' + str(ROUTES) + ' routes':<48}{compiled * 1e3:>10.0f} ms")
    nothing = measure(lambda: None)
    for cases in (matching(), choosing(), heads()):
        for name, call in cases:
            print(f"{name:<48}{measure(call) - nothing:>10.2f} µs")


if __name__ == "__main__":
    main()
