def route(name, path, rest):
    return f"- {{name: {name}, match: {{{path}}}, {rest}}}\n"


SPLIT = "split: {reviews: 10, legacy: 90}"


def test_the_session_of_django_is_no_stable_identity(config):
    (told,) = config.told(
        f"routes:\n{route('a', 'path: /a', SPLIT + ', identity: [cookie:sessionid]')}"
    )
    assert told.startswith("2:76 warning: Django gives out a new `sessionid` at login")


def test_a_chain_of_sources_moves_users(config):
    (told,) = config.told(
        f"groups: {{a: {{identity: [cookie:customer, client_ip]}}}}\n"
        f"routes:\n{route('a', 'path: /a', SPLIT)}"
    )
    assert told.startswith("1:24 warning: a user changes sides when a source appears")


def test_a_random_identity_is_on_no_list(config):
    (told,) = config.told(
        f"routes:\n{route('a', 'path: /a', SPLIT + ', identity: [random], deny: [anna]')}"
    )
    assert "warning: the identity is random, so this list names nobody" in told


def test_a_forgotten_route_of_three_is_found(config):
    (told,) = config.told(
        f"routes:\n{route('page', 'prefix: /reviews', SPLIT)}"
        f"{route('detail', 'prefix: /reviews/detail', SPLIT)}"
        f"{route('other', 'prefix: /notices', SPLIT)}"
    )
    assert told.startswith("3:10 warning: `page` (line 8) splits the same paths in another group")


def test_what_is_not_split_needs_no_group(config):
    assert (
        config.told(
            f"routes:\n{route('page', 'prefix: /reviews', SPLIT)}"
            f"{route('detail', 'prefix: /reviews/detail', 'upstream: reviews')}"
        )
        == []
    )
