"""A table that loads compiles wholly: a worker makes a route's plan at its first request, too late
for anything in it to be wrong.
"""

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from cdc.config import SYNC
from strangler.config.load import check
from strangler.proxy.plan import LiveTable
from strangler.proxy.pool import UpstreamPool, client_context
from strangler.routing.cookie import ProxyCookies
from strangler.routing.forwarded import Forwarding


def mostly(good, bad):
    """Such that a fair share of the tables loads."""
    return st.sampled_from([*good * 8, *bad])


NAMES = mostly(["a", "b", "legacy"], ["next", "x" * 63])
HOSTS = mostly(
    ["a", "A.example.com", "[::1]", "x" * 63, "a."],
    [
        *("*.example.com", "[::1]:80", "::1", "a:80", "a:99999", "x" * 63 + ":65535", "x" * 64),
        *("é.example", "a..b", "-a", "[1.2.3.4]"),
    ],
)
PATHS = mostly(
    ["/", "/a", "/a/", "/%61", "/%E9", "/%25", "/%23", "/a=b,c"],
    [
        *("/a//b", "/a/../b", "/a/%2e%2E", "/a;b", "/a%2Fb", "/{x}/{y}", "/a/{id}/", "/a{id}"),
        *("/é", "/a?b", "a"),
    ],
)
TEMPLATES = mostly(["/a/{id}", "/a/{id}/", "/{x}/{y}", "/%61/{x}"], ["/a", "/{x}/{x}", "/{x}.y"])
REGEXES = mostly(
    ["/a/[0-9]+", "(?i)/a", "/a(;.*)?", "(?P<x>a)", ""],
    ["(a+)+", "[", "a{2,1}", "\\d{1,9999999999}"],
)
TEXTS = mostly(["a", "é", "${TEXT}", "~"], ["", "a\\tb", "a\\nb", "\\u2028", "${BYTES}", " a"])
HEADERS = mostly(
    ["X-A", "Via", "Cookie", "Set-Cookie"],
    ["x_a", "Content-Length", "Host", "TE", "a b", "é", ""],
)
SALTS = mostly(["s", "é" * 32, "x" * 64], ["é" * 33, "x" * 65, ""])
SHARES = mostly(["{a: 10, legacy: 90}", "{b: 100}", "{a: 0.01, b: 99.99}"], ["{a: 50}"])
STATUSES = mostly([200, 204, 301, 308, 410, 599], [100, 101, 205, 304, 600])
IDENTITIES = mostly(
    ["proxy_cookie", "cookie:a", "header:X-A", "client_ip", "random"], ["header:x_a", "cookie:é"]
)


def quoted(values):
    return values.map(lambda text: f'"{text}"')


def mapping(**keys):
    """Some of the keys, as a flow mapping."""
    return st.fixed_dictionaries({}, optional=keys).map(
        lambda chosen: "{" + ", ".join(f"{key}: {value}" for key, value in chosen.items()) + "}"
    )


def listed(values):
    return st.lists(values, max_size=3).map(lambda items: f"[{', '.join(map(str, items))}]")


VALUE = quoted(TEXTS) | quoted(REGEXES).map(lambda text: f"{{regex: {text}}}")
MATCH = st.one_of(
    *(mapping(**{kind: quoted(PATHS), "host": quoted(HOSTS)}) for kind in ("path", "prefix")),
    mapping(
        template=quoted(TEMPLATES), methods=st.sampled_from(["[GET]", "[POST, PUT]", "[BREW]"])
    ),
    mapping(regex=quoted(REGEXES), query=mapping(q=VALUE), cookies=mapping(c=VALUE)),
    mapping(prefix=quoted(PATHS), headers=mapping(**{"X-A": VALUE, "x_b": VALUE})),
)
FIELDS = st.dictionaries(quoted(HEADERS), quoted(TEXTS), max_size=2).map(
    lambda pairs: "{" + ", ".join(f"{name}: {value}" for name, value in pairs.items()) + "}"
)
HEADER_RULES = mapping(remove=listed(quoted(HEADERS)), set=FIELDS, add=FIELDS)
ACTION = st.one_of(
    NAMES.map(lambda name: f"upstream: {name}"),
    SHARES.map(lambda shares: f"split: {shares}"),
    mapping(
        status=STATUSES,
        host=quoted(HOSTS),
        path=quoted(PATHS),
        prefix=quoted(PATHS),
        scheme=st.sampled_from(["https", "ftp"]),
    ).map(lambda redirect: f"redirect: {redirect}"),
    mapping(status=STATUSES, body=quoted(TEXTS), content_type=quoted(TEXTS)).map(
        lambda respond: f"respond: {respond}"
    ),
)
EXTRAS = mapping(
    old=NAMES,
    salt=quoted(SALTS),
    identity=listed(quoted(IDENTITIES)),
    allow=listed(quoted(TEXTS)),
    force=mapping(header=quoted(HEADERS), cookie=quoted(HEADERS)),
    kill=st.sampled_from(["true", "false"]),
    rewrite=mapping(
        strip_prefix=quoted(PATHS),
        add_prefix=quoted(PATHS),
        replace_prefix=st.tuples(PATHS, PATHS).map(lambda p: f'{{from: "{p[0]}", to: "{p[1]}"}}'),
    ),
    request_headers=HEADER_RULES,
    response_headers=HEADER_RULES,
)
ROUTE = st.tuples(MATCH, ACTION, EXTRAS)
UPSTREAM = mapping(
    host=quoted(HOSTS) | st.just("endpoint"),
    tls=mapping(server_name=quoted(HOSTS), verify=st.sampled_from(["true", "false"])),
)
GATEWAY = mapping(
    trusted_proxies=listed(quoted(st.sampled_from(["10.0.0.0/8", "192.0.2.7", "::1"]))),
    via=quoted(NAMES),
    route_header=quoted(HEADERS),
    cookie=mapping(name=quoted(HEADERS), same_site=st.sampled_from(["None", "Lax"])),
)
ENV = {"BYTES": "\udcff", "TEXT": "text"}


def table_text(routes, upstream, gateway):
    lines = [
        "version: 1",
        "upstreams:",
        "  legacy: {endpoints: [http://127.0.0.1:8000]}",
        "  a: {endpoints: [https://a.example]}",
        f"  b: {{endpoints: [unix:/run/b], {upstream[1:]}",
        "default: legacy",
        f"gateway: {gateway}",
        "routes:",
    ]
    for number, (match, action, extras) in enumerate(routes):
        rest = f", {extras[1:-1]}" if extras != "{}" else ""
        lines.append(f"- {{name: r{number}, match: {match}, {action}{rest}}}")
    return "\n".join(lines) + "\n"


def compile_wholly(table):
    cells = memoryview(bytearray(1 << 16)).cast("Q")
    pools = {name: UpstreamPool(name, cells) for name in table.upstreams}
    for name, upstream in table.upstreams.items():
        pools[name].update(upstream, client_context(upstream))
    Forwarding(table.gateway.trusted_proxies)
    cookies = ProxyCookies(table.gateway.cookie, b"k" * 16)
    live = LiveTable(table, pools, {})
    for index in range(-1, len(table.routes)):
        plan = live.plan(index)
        if plan.chooser is not None:
            plan.chooser.choose([(b"x-a", b"1")], b"a=1", b"192.0.2.7", cookies, lambda: 1)
        if plan.redirect is not None:
            plan.redirect.location(https=True, host=b"h", path=b"/a", query=b"q")


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(ROUTE, max_size=3), UPSTREAM, GATEWAY)
def test_what_loads_compiles(routes, upstream, gateway):
    checked = check(table_text(routes, upstream, gateway), env=ENV, sections={"sync": SYNC})
    event(f"loads: {checked.table is not None}")
    if checked.table is not None:
        compile_wholly(checked.table)


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(ROUTE)
def test_a_single_route_that_loads_compiles(route):
    checked = check(table_text([route], "{}", "{}"), env=ENV, sections={"sync": SYNC})
    event(f"loads: {checked.table is not None}")
    if checked.table is not None:
        compile_wholly(checked.table)
