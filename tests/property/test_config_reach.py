"""The rule of reachable routes against the matcher itself: what it refuses is never matched."""

from hypothesis import given, settings
from hypothesis import strategies as st

from strangler.config.load import check, load
from strangler.routing.table import RoutingTable

HEAD = "version: 1\nupstreams: {legacy: {endpoints: [http://127.0.0.1:8000]}}\ndefault: legacy\n"
PATHS = ["/", "/a", "/a/", "/a/b", "/a/b/c", "/ab", "/b", "/b/a", "/a/b/", "/%61"]
SAID = st.sampled_from(
    [
        *("path: /a", "path: /a/b", "path: /%61", "prefix: /", "prefix: /a", "prefix: /a/"),
        *("prefix: /a/b", "template: '/{x}'", "template: '/a/{x}'", "template: '/{x}/b'"),
        *("regex: '/a.*'", "regex: '/a/.*'", "regex: '/a/b'", "regex: '/(a|b)'", "regex: '.*'"),
    ]
)
METHODS = st.sampled_from(["", "methods: [GET]", "methods: [HEAD]", "methods: [GET, POST]"])
HEADERS = st.sampled_from(["", "headers: {X: 1}", "headers: {X: {present: true}}", "query: {q: 1}"])
HOSTS = st.sampled_from(["", "host: a.x", "host: '*.x'"])


@st.composite
def matches(draw):
    parts = [draw(SAID), draw(METHODS), draw(HEADERS), draw(HOSTS)]
    return ", ".join(part for part in parts if part)


def requests():
    for host in (b"a.x", b"b.x", b"y"):
        for path in PATHS:
            for method in (b"GET", b"HEAD", b"POST", b"DELETE"):
                for headers in ([], [(b"x", b"1")], [(b"x", b"2")]):
                    for query in (b"", b"q=1"):
                        yield method, host, path.encode(), query, headers


@settings(max_examples=60, deadline=None)
@given(st.lists(matches(), min_size=2, max_size=5))
def test_what_is_refused_is_never_matched(said):
    lines = [f"- {{name: r{n}, match: {{{one}}}, upstream: legacy}}" for n, one in enumerate(said)]
    text = f"{HEAD}routes:\n" + "\n".join(lines) + "\n"
    problems = check(text, env={}).problems
    refused = {p.line - 5 for p in problems if "no request reaches" in p.message}
    assert len(refused) == len(problems)
    singles = [load(f"{HEAD}routes:\n{line}\n", env={}).routes[0] for line in lines]
    table = RoutingTable(singles)
    matched = {table.match(*request) for request in requests()}
    assert not refused & matched
