from strangler.admin.explain import Request, explain
from strangler.config.load import load

TABLE = load(
    """\
version: 5
upstreams:
  legacy: {endpoints: [http://127.0.0.1:8000]}
  reviews: {endpoints: [http://127.0.0.1:8101, http://127.0.0.1:8102]}
default: legacy
groups: {reviews: {identity: [header:x-user], allow: [ada], force: {header: x-side}}}
routes:
  - name: reviews
    match: {prefix: /reviews, methods: [GET]}
    split: {reviews: 10, legacy: 90}
  - {name: feed, match: {path: /feed.xml}, respond: {status: 410}}
  - {name: old, match: {path: /old, host: a.example}, redirect: {path: /new}}
""",
    env={},
)


def asked(method: str, target: str, **headers: str):
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return explain(TABLE, Request(method, target, pairs), b"k" * 32)


def test_a_request_without_a_route_goes_to_the_default_upstream():
    found = asked("GET", "/other")
    assert (found.route, found.upstream, found.reason) == ("", "legacy", "default")


def test_the_bucket_and_the_endpoints_of_a_split():
    found = asked("get", "/reviews/5?page=2", x_user="grace")
    assert (found.route, found.group, found.reason) == ("reviews", "reviews", "bucket")
    assert 0 <= found.bucket < 10_000
    assert found.upstream == ("reviews" if found.bucket < 1000 else "legacy")
    assert found == asked("GET", "/reviews/5?page=2", x_user="grace")


def test_lists_and_forced_headers_are_named():
    assert asked("GET", "/reviews", x_user="ada").reason == "allow"
    forced = asked("GET", "/reviews", x_user="bob", x_side="reviews")
    assert (forced.reason, forced.upstream) == ("forced", "reviews")
    assert forced.endpoints == ("http://127.0.0.1:8101", "http://127.0.0.1:8102")


def test_why_the_others_do_not_match():
    reasons = {each.route: each.reason for each in asked("POST", "/reviews").considered}
    assert reasons["reviews"] == "the method is not one of GET"


def test_fixed_answers_and_redirects():
    assert asked("GET", "/feed.xml").action == "is answered 410 by the gateway itself"
    assert asked("GET", "http://a.example/old").action == "is redirected with status 308"


def test_a_path_that_servers_read_differently_is_refused():
    found = asked("GET", "/x/..%2freviews")
    assert found.reason == "ambiguous"
    assert found.upstream == ""
