from strangler.config.model import HeaderRules, Rewrite, Timeouts


def test_every_other_key_of_a_route(config):
    route = config.table("""\
routes:
- name: r
  group: g
  owner: team
  labels: {tier: web}
  match: {prefix: /a/b}
  upstream: legacy
  rewrite: {strip_prefix: /a, replace_prefix: {from: /b, to: /c}, add_prefix: /d}
  request_headers: {remove: [X-A], set: {X-B: 1}, add: {X-C: c}}
  response_headers: {remove: [Server]}
  timeouts: {total: 1s}
  body_limit: 1KiB
  sync: [s]
sync:
  s: {source: 'sqlite:///a', tables: [t]}
""").routes[0]
    assert (route.group, route.owner, route.labels) == ("g", "team", {"tier": "web"})
    assert route.rewrite == Rewrite("/a", ("/b", "/c"), "/d")
    assert route.request_headers == HeaderRules(("X-A",), (("X-B", "1"),), (("X-C", "c"),))
    assert route.response_headers == HeaderRules(("Server",))
    assert route.timeouts == Timeouts(total=1.0)
    assert (route.body_limit, route.sync) == (1024, ("s",))


def test_a_route_needs_a_name_and_a_match(config):
    told = config.told("routes:\n- {upstream: legacy}\n")
    assert told == [
        "2:3 error: `match` is missing in a route: add `match: {prefix: /reviews}`",
        "2:3 error: `name` is missing in a route: add `name: reviews`",
    ]


def test_routes_that_are_all_commented_out_are_none(config):
    assert config.table("routes:\n# - name: a\n").routes == ()


def test_an_unknown_stream_is_told(config):
    (told,) = config.route_told("match: {path: /a}, upstream: legacy, sync: [s]")
    assert "`s` is not the name of a stream" in told
