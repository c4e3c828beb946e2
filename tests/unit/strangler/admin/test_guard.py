import pytest

from strangler.admin.failures import Failure, Kind
from strangler.admin.guard import Guard, Head, check_exposure
from strangler.admin.roles import Role
from strangler.admin.tokens import TokensError, find, make, parse

BOUND = "127.0.0.1:9900"


def head(**changes) -> Head:
    base = {
        "method": "POST",
        "host": BOUND,
        "origin": None,
        "authorization": None,
        "content_type": "application/json",
    }
    return Head(**{**base, **changes})


def refused(guard: Guard, changes: bool = True, **parts) -> Failure:
    with pytest.raises(Failure) as caught:
        guard.admit(head(**parts), changes=changes)
    return caught.value


def test_this_host_needs_no_token():
    for host in (BOUND, "localhost:9900", "[::1]:9900", "127.0.0.2:1"):
        assert Guard((), BOUND).admit(head(host=host), changes=True) is None


def test_a_name_that_was_made_to_resolve_to_this_host_is_refused():
    assert refused(Guard((), BOUND), host="evil.example:9900").kind is Kind.FORBIDDEN
    assert refused(Guard((), BOUND), host="").kind is Kind.FORBIDDEN


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:1234"])
def test_a_page_from_elsewhere_is_refused(origin):
    assert "page from elsewhere" in refused(Guard((), BOUND), origin=origin).message


def test_a_page_of_the_admin_port_itself_is_let_in():
    assert Guard((), BOUND).admit(head(origin=f"http://{BOUND}"), changes=True) is None


def test_a_form_cannot_post():
    form = "application/x-www-form-urlencoded"
    assert refused(Guard((), BOUND), content_type=form).kind is Kind.USAGE


def test_tokens_tell_viewers_from_operators():
    look, viewer = make("dash", Role.VIEWER)
    change, operator = make("ci", Role.OPERATOR)
    guard = Guard((viewer, operator), "0.0.0.0:9900")
    assert guard.admit(head(authorization=f"Bearer {change}", host="gw:9900"), changes=True) == "ci"
    assert guard.admit(head(authorization=f"bearer {look}"), changes=False) == "dash"
    assert "may look" in refused(guard, authorization=f"Bearer {look}").message
    assert "a token is needed" in refused(guard, changes=False).message
    assert refused(guard, authorization=f"Basic {change}").kind is Kind.FORBIDDEN


@pytest.mark.parametrize("bound", ["0.0.0.0:9900", "[::]:9900", "10.0.0.1:9900", ":9900"])
def test_an_open_address_without_tokens_is_refused_at_the_start(bound):
    with pytest.raises(Failure, match="strangler token"):
        check_exposure(bound, ())
    check_exposure(bound, (make("a", Role.VIEWER)[1],))


def test_loopback_and_a_unix_socket_are_not_open():
    check_exposure("127.0.0.1:9900", ())
    check_exposure("localhost:9900", ())
    check_exposure("unix:/run/strangler.sock", ())


def test_a_tokens_file_is_read_back():
    secret, token = make("ci", Role.OPERATOR)
    tokens = parse(f"# who\n\n{token}\n")
    assert tokens == (token,)
    assert find(tokens, secret) == token
    assert find(tokens, "guess") is None
    assert secret not in str(token)


def test_a_bad_line_is_named_without_its_content():
    with pytest.raises(TokensError, match="line 2") as caught:
        parse("# who\nci:root:secret\n")
    assert "secret" not in str(caught.value).replace("sha256hex", "")
