"""Matching against a reference that is slow, linear and obviously right."""

import itertools
import re
from urllib.parse import unquote_to_bytes

from hypothesis import example, given, settings
from hypothesis import strategies as st

from strangler.config.model import Match, PathKind, Respond, Route, ValueMatch
from strangler.routing.paths import canonical, readings
from strangler.routing.table import AMBIGUOUS, MATCHES, NO_ROUTE, RoutingTable

SEGMENTS = st.sampled_from(["a", "b", "c", "d.e"])
PATHS = st.lists(SEGMENTS, max_size=4).map(lambda parts: "/" + "/".join(parts))
TEMPLATES = st.lists(st.one_of(SEGMENTS, st.sampled_from(["{x}", "{y}"])), min_size=1, max_size=4)
REGEXES = st.sampled_from(["/a.*", "/[ab]/.", "/.*/c", "/", ".*", "/b(/c)?"])
HOSTS = st.sampled_from([None, None, "t.test", "*.test", "*.t.test", "u.t.test"])
METHODS = st.frozensets(st.sampled_from(["GET", "POST", "HEAD"]), max_size=2)
VALUES = st.builds(ValueMatch, st.just("v"), exact=st.sampled_from(["1", "2"]))
CONDITIONS = st.lists(VALUES, max_size=1).map(tuple)


@st.composite
def matches(draw):
    kind = draw(st.sampled_from(PathKind))
    texts = {
        PathKind.TEMPLATE: TEMPLATES.map(lambda parts: "/" + "/".join(parts)),
        PathKind.REGEX: REGEXES,
    }
    conditions = [draw(CONDITIONS) for _ in range(3)]
    return Match(kind, draw(texts.get(kind, PATHS)), draw(HOSTS), draw(METHODS), *conditions)


TABLES = st.lists(matches(), max_size=12).map(
    lambda found: [Route(f"r{n}", m, Respond(200), f"r{n}", "old") for n, m in enumerate(found)]
)
REQUESTS = st.fixed_dictionaries(
    {
        "method": st.sampled_from([b"GET", b"POST", b"HEAD"]),
        "host": st.sampled_from([b"t.test", b"u.t.test:80", b"v.u.t.test", b"else", b"test"]),
        "query": st.sampled_from([b"", b"v=1", b"v=2", b"v=1&v=2", b"w=1"]),
        "headers": st.lists(
            st.sampled_from([(b"v", b"1"), (b"v", b"2"), (b"cookie", b"v=1"), (b"cookie", b"v=2")]),
            max_size=3,
        ),
    }
)


def host_rank(pattern, host):
    name = host.partition(b":")[0].decode()
    if pattern is None:
        return 100
    if pattern == name:
        return 0
    if pattern.startswith("*") and name.endswith(pattern[1:]):
        return 50 - len(pattern)
    return None


def path_rank(match, path):
    """Lower is better; None if the path does not match."""
    segments, wanted = path.split("/")[1:], match.path.split("/")[1:]
    if match.kind is PathKind.EXACT:
        return (0,) if path == match.path else None
    if match.kind is PathKind.TEMPLATE:
        return template_rank(segments, wanted)
    if match.kind is PathKind.PREFIX:
        wanted = wanted[:-1] if wanted[-1] == "" else wanted
        return (2, -len(wanted)) if segments[: len(wanted)] == wanted else None
    if match.kind is PathKind.REGEX:
        return (3,) if re.fullmatch(match.path, path, re.DOTALL) else None
    return (4,)


def template_rank(segments, wanted):
    if len(segments) != len(wanted):
        return None
    literal = [number for number, part in enumerate(wanted) if not part.startswith("{")]
    for number, (segment, part) in enumerate(zip(segments, wanted, strict=True)):
        if (segment != part) if number in literal else (segment == ""):
            return None
    return (1, -len(literal), literal)


def conditions_hold(match, request):
    methods = match.methods | ({"HEAD"} if "GET" in match.methods else set())
    if methods and request["method"].decode() not in methods:
        return False
    headers = [value for name, value in request["headers"] if name == b"v"]
    cookies = [value[2:] for name, value in request["headers"] if name == b"cookie"]
    query = [pair[2:] for pair in request["query"].split(b"&") if pair.startswith(b"v=")]
    wanted = [(match.headers, headers), (match.query, query), (match.cookies, cookies)]
    return all(c.exact.encode() in values for group, values in wanted for c in group)


def reference(routes, request, path):
    """Index of the best of all routes that match one reading of the path."""
    found = []
    for index, route in enumerate(routes):
        match = route.match
        host = host_rank(match.host, request["host"])
        rank = path_rank(match, path.decode("utf-8", "surrogateescape"))
        if host is None or rank is None or not conditions_hold(match, request):
            continue
        within = (not match.methods, -len(match.headers), -len(match.query), -len(match.cookies))
        if match.kind is PathKind.REGEX:
            within = ()
        found.append(((host, rank, within, index), index))
    return min(found)[1] if found else NO_ROUTE


@settings(max_examples=400)
@given(TABLES, REQUESTS, PATHS.map(str.encode), st.sampled_from([b"", b"/"]))
def test_the_best_of_all_routes_is_found(routes, request, path, slash):
    path = path if path == b"/" else path + slash
    table = RoutingTable(routes)
    assert table.match(path=path, **request) == reference(routes, request, path)


PARTS = st.sampled_from(
    [
        "/",
        "a",
        "b",
        "c",
        "..",
        ".",
        "%2F",
        "%2f",
        "%5C",
        "\\",
        ";",
        ";v",
        "%61",
        "%2e",
        "%3b",
        "%zz",
    ]
)
TRICKY = st.lists(PARTS, max_size=8).map(lambda parts: ("/" + "".join(parts)).encode())


def servers():
    """Every server of our zoo: what it decodes, how it cuts, merges and resolves, in its order."""

    def decode(keep):
        def change(path):
            for byte in keep:
                path = re.sub(b"(?i)%%%02x" % byte, b"%%25%02X" % byte, path)
            return unquote_to_bytes(path)

        return change

    def backslash(path):
        return path.replace(b"\\", b"/")

    def cut(path):
        return b"/".join(part.partition(b";")[0] for part in path.split(b"/"))

    def merge(path):
        while b"//" in path:
            path = path.replace(b"//", b"/")
        return path

    def resolve(path):
        kept = []
        parts = path[1:].split(b"/")
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            if part == b"..":
                kept = kept[:-1]
            if part in {b"..", b"."}:
                kept += [b""] if last else []
            else:
                kept.append(part)
        return b"/" + b"/".join(kept)

    decoders = [decode(b"%/\\"), decode(b"")]
    orders = [[], [merge], [resolve], [merge, resolve], [resolve, merge]]
    for decoder, slash, param, order in itertools.product(
        decoders, [[], [backslash]], [[], [cut]], orders
    ):
        yield [decoder, *slash, *param, *order]


def seen_by(server, path):
    for change in server:
        path = change(path)
    return path


@settings(max_examples=300)
@given(TRICKY)
@example(b"/a/%2e%2e;x//b")
def test_what_any_server_sees_is_among_the_readings(path):
    assert {seen_by(server, path) for server in servers()} == readings(path)


@settings(max_examples=300)
@given(TABLES, REQUESTS, TRICKY)
def test_all_servers_agree_on_the_route_or_none_is_taken(routes, request, path):
    led = {reference(routes, request, seen_by(server, path)) for server in servers()}
    expected = led.pop() if len(led) == 1 else AMBIGUOUS
    assert RoutingTable(routes).match(path=path, **request) == expected


@given(TRICKY)
def test_the_canonical_reading_is_stable_and_among_the_readings(path):
    once = canonical(path)
    assert once in readings(path)
    assert canonical(once) == once


@settings(max_examples=100)
@given(TABLES, REQUESTS, st.one_of(TRICKY, PATHS.map(str.encode)))
def test_explain_agrees_with_match(routes, request, path):
    table = RoutingTable(routes)
    index = table.match(path=path, **request)
    considered = table.explain(path=path, **request)
    assert len(considered) == len(routes)
    assert [entry.route for entry in considered if entry.reason == MATCHES] == (
        [index] if index >= 0 else []
    )
    if index == NO_ROUTE:
        assert not any(entry.reason.startswith("matches") for entry in considered)
