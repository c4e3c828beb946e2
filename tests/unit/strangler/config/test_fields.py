import pytest

from strangler.config.fields import COOKIE_NAME, FILE, HEADER_NAME, HEADER_VALUE, OWNER
from strangler.kit.shapes import UnfitError


@pytest.mark.parametrize(
    ("shape", "good", "bad"),
    [
        (HEADER_NAME, "X-Side", "X_Side"),
        (HEADER_NAME, "a.b!", "a b"),
        (HEADER_VALUE, "caf\xe9 \t x", "a\r\nb"),
        (HEADER_VALUE, "", " a"),
        (COOKIE_NAME, "session_id", "a=b"),
        (OWNER, "Team Shop & Co", "a\nb"),
        (FILE, "/etc/ssl/ca.pem", ""),
    ],
)
def test_texts_fit_or_not(shape, good, bad):
    assert shape.parse(good) == good
    with pytest.raises(UnfitError):
        shape.parse(bad)
