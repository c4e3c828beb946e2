"""Whatever bytes a client or an upstream sends: nothing raises, nothing forged gets through."""

import re
from urllib.parse import urlsplit

from hypothesis import example, given
from hypothesis import strategies as st

from strangler.config.model import (
    Force,
    Group,
    HeaderRules,
    IdentityKind,
    IdentitySource,
    Match,
    PathKind,
    ProxyCookie,
    Redirect,
    Rewrite,
    Route,
    Split,
    ValueMatch,
)
from strangler.routing import headers as fields
from strangler.routing.choose import Chooser
from strangler.routing.cookie import ProxyCookies
from strangler.routing.edit import line_editor
from strangler.routing.forwarded import Forwarding, address_of
from strangler.routing.redirect import CompiledRedirect
from strangler.routing.rewrite import CompiledRewrite
from strangler.routing.table import AMBIGUOUS, RoutingTable

RAW = st.one_of(
    st.binary(max_size=60),
    st.text("/.%;\\#2fFeE5cC:[]@,=\"' ab", max_size=30).map(str.encode),
)
PATH = RAW.map(lambda raw: b"/" + raw)
PAIRS = st.lists(
    st.tuples(st.sampled_from([b"a", b"cookie", *sorted(fields.FORWARDING)]), RAW), max_size=5
)
COOKIES = ProxyCookies(ProxyCookie(), b"a key of sixteen bytes or more")
FIELD_VALUE = RAW.map(lambda raw: re.sub(rb"[\r\n\0]", b"", raw))
"""What llhttp lets through in a field's value."""

CONDITIONS = (ValueMatch("a", regex="[ab]+"),)
TABLE = RoutingTable(
    [
        Route(f"r{number}", match, Split((("new", 10000),)), "g", "legacy", rewrite=rewrite)
        for number, (match, rewrite) in enumerate(
            [
                (Match(PathKind.PREFIX, "/a", "*.a"), Rewrite(strip_prefix="/a")),
                (Match(PathKind.TEMPLATE, "/{x}/b", headers=CONDITIONS), Rewrite()),
                (Match(PathKind.REGEX, r"/(\w+/)*b", query=CONDITIONS), Rewrite()),
                (Match(cookies=CONDITIONS), Rewrite(add_prefix="/base")),
            ]
        )
    ]
)


@given(RAW, RAW, RAW, RAW, PAIRS)
def test_match_takes_any_bytes(method, host, path, query, headers):
    assert AMBIGUOUS <= TABLE.match(method, host, path, query, headers) < 4
    assert len(TABLE.explain(method, host, path, query, headers)) == 4


@given(PAIRS, RAW, RAW, st.integers(), st.sampled_from(IdentityKind))
def test_choose_takes_any_bytes(headers, cookie, ip, drawn, kind):
    sources = (IdentitySource(IdentityKind.HEADER, "a"), IdentitySource(kind, "a"))
    group = Group("g", "g", sources, frozenset({"a"}), frozenset({"b"}), Force("a", "b"))
    route = Route("r", Match(), Split((("new", 10), ("legacy", 9990))), "g", "legacy")
    choice = Chooser(route, group).choose(headers, cookie, ip, COOKIES, lambda: drawn)
    assert choice.upstream in {0, 1}
    assert -1 <= choice.bucket < 10_000


@given(st.binary(min_size=16, max_size=16), st.integers(0, 44), st.binary(max_size=3), RAW)
def test_a_changed_cookie_never_verifies(random, at, change, rest):
    identity, value = COOKIES.issue(random, True)
    name, _, token = value.partition(b";")[0].partition(b"=")
    forged = token[:at] + change + token[at + 1 :]
    if forged != token and not set(b"; \t") & set(change):
        assert COOKIES.identity(name + b"=" + forged) is None
    assert COOKIES.identity(rest) is None
    assert (
        COOKIES.identity(b"x=" + rest.replace(b";", b"") + b"; " + name + b"=" + token) == identity
    )


@given(RAW)
def test_header_functions_take_any_bytes(raw):
    assert not fields.connection_nominated(raw) & fields.PROTECTED
    assert fields.via_has(raw + b", 1.1 me", b"me")
    address_of(raw)
    if fields.valid_request_id(raw):
        assert re.fullmatch(rb"[!-~]{1,128}", raw)


LINE = re.compile(rb"[A-Za-z-]+: [^\r\n\0]*\r\n")


@given(st.booleans(), PAIRS, FIELD_VALUE, st.booleans())
def test_forwarding_writes_whole_lines(trusted, given_pairs, host, https):
    given_pairs = [(name, re.sub(rb"[\r\n\0]", b"", value)) for name, value in given_pairs]
    forwarding = Forwarding(["10.0.0.0/8"] if trusted else [], port=80)
    client = forwarding.client_address(b"10.0.0.1", given_pairs)
    assert address_of(client) == client
    lines = forwarding.lines(b"10.0.0.1", given_pairs, host, https=https)
    assert b"".join(LINE.findall(lines)) == lines
    origin = forwarding.origin(b"10.0.0.1", given_pairs, host, https=https)
    assert re.fullmatch(rb"(https?://[A-Za-z0-9._~:\[\]-]+)?", origin.url())
    if not trusted:
        assert (client, origin.https) == (b"10.0.0.1", https)


TEXTS = st.sampled_from([None, "/", "/a", "/a/b", "/a/", "/\u00e9"])
REWRITES = st.builds(
    Rewrite,
    TEXTS,
    st.one_of(st.none(), st.tuples(TEXTS.filter(bool), TEXTS.filter(bool))),
    TEXTS,
)


@given(REWRITES, PATH)
def test_a_rewritten_path_starts_with_one_slash(rewrite, path):
    compiled = CompiledRewrite(rewrite)
    sent = compiled.path(path)
    assert sent.startswith(b"/")
    assert not sent.startswith(b"//") or sent == path


SEGMENT = st.sampled_from([b"a", b"b", b"x", b"%61"])
CLEAN = st.lists(SEGMENT, min_size=1, max_size=4).map(lambda parts: b"/" + b"/".join(parts))


@given(st.sampled_from(["/a", "/b/x"]), CLEAN)
def test_a_stripped_prefix_comes_back_in_a_location(prefix, path):
    compiled = CompiledRewrite(Rewrite(strip_prefix=prefix, add_prefix="/base"))
    public = prefix.encode() + path
    sent = compiled.path(public)
    assert sent == b"/base" + path
    for value in (sent, b"http://inner" + sent):
        back = compiled.location(value, upstream_origins=[b"http://inner"], public_origin=b"")
        assert back == public


@given(REWRITES, RAW, RAW)
@example(Rewrite(add_prefix="/a"), b"/a//evil.test", b"")
def test_what_an_upstream_says_is_mapped_without_raising(rewrite, location, cookie):
    compiled = CompiledRewrite(rewrite)
    origins = {"upstream_origins": [b"http://inner"], "public_origin": b"https://shop.test"}
    seen = compiled.location(location, **origins)
    if seen != location:
        assert not re.match(rb"[/\\]{2}", seen)
    compiled.set_cookie(cookie, upstream_hosts={b"inner"})


@given(PATH, RAW, RAW, st.booleans())
@example(b"/old/\\evil.test", b"", b"shop.test", False)
def test_a_redirect_leads_to_this_host_only(path, query, host, https):
    match = Match(PathKind.PREFIX, "/old")
    plain = CompiledRedirect(Redirect(prefix="/"), match)
    value = plain.location(https=https, host=host, path=path, query=query)
    assert re.fullmatch(rb"/(?![/\\])[!-~]*", value)
    secure = CompiledRedirect(Redirect(scheme="https"), match)
    value = secure.location(https=https, host=b"shop.test", path=path, query=query)
    assert urlsplit(value).netloc == b"shop.test"


@given(st.lists(st.tuples(st.sampled_from([b"A", b"b", b"X-C"]), FIELD_VALUE), max_size=6))
def test_header_rules_touch_only_what_they_name(pairs):
    lines = [b"%b: %b" % pair for pair in pairs]
    edit = line_editor(HeaderRules(remove=("a",), set=(("B", "1"),), add=(("X-C", "2"),)))
    kept = [line for line in lines if line.startswith(b"X-C:")]
    assert edit(lines) == [*kept, b"B: 1", b"X-C: 2"]
