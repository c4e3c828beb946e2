import pytest

from strangler.routing.paths import MAX_SEGMENTS, canonical, is_plain, readings


@pytest.mark.parametrize(
    ("path", "reading"),
    [
        (b"/abc", b"/abc"),
        (b"/%61bc", b"/abc"),
        (b"/caf%c3%a9", b"/caf\xc3\xa9"),
        (b"/a%2fb", b"/a%2Fb"),
        (b"/a%5cb", b"/a%5Cb"),
        (b"/a%252fb", b"/a%252fb"),
        (b"/a%2540b", b"/a%2540b"),
        (b"/%2e%2E/", b"/../"),
        (b"/a%zz%2", b"/a%zz%2"),
        (b"/a%00", b"/a\0"),
        (b"/%c0%af", b"/\xc0\xaf"),
        (b"/%ff", b"/\xff"),
        (b"/a+b", b"/a+b"),
        (b"/%40me", b"/@me"),
    ],
)
def test_the_canonical_reading_decodes_once_all_but_structure(path, reading):
    assert canonical(path) == reading


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (b"/a/b", {b"/a/b"}),
        (b"/a%20b", {b"/a b"}),
        (b"/a.b/..c/d.", {b"/a.b/..c/d."}),
        (b"/.well-known/x", {b"/.well-known/x"}),
        (b"/a%2Fb", {b"/a%2Fb", b"/a/b"}),
        (b"/a//b", {b"/a//b", b"/a/b"}),
        (b"/a/../b", {b"/a/../b", b"/b"}),
        (b"/a/..", {b"/a/..", b"/"}),
        (b"/a/.", {b"/a/.", b"/a/"}),
        (b"/../a", {b"/../a", b"/a"}),
        (b"/a/%2e%2e/b", {b"/a/../b", b"/b"}),
        (b"/a;v=1/b", {b"/a;v=1/b", b"/a/b"}),
        (b"/a%3Bv/b", {b"/a;v/b", b"/a/b"}),
        (b"/a\\b", {b"/a\\b", b"/a/b"}),
        (b"/a%5Cb", {b"/a%5Cb", b"/a\\b", b"/a/b"}),
        (b"/a//../b", {b"/a//../b", b"/a/../b", b"/a/b", b"/b"}),
        (b"/a/..;x/b", {b"/a/..;x/b", b"/a/../b", b"/b"}),
        (b"/a%252Fb", {b"/a%252Fb"}),
        (b"*", {b"*"}),
        (b"", {b""}),
    ],
)
def test_readings(path, expected):
    assert readings(path) == expected


@pytest.mark.parametrize("path", [b"/a%00", b"/a\0b", b"/a#b", b"/.." * (MAX_SEGMENTS + 1)])
def test_some_paths_have_no_reading_at_all(path):
    assert readings(path) == frozenset()


def test_a_long_path_without_tricks_is_read():
    path = b"/a" * (MAX_SEGMENTS + 1)
    assert readings(path) == {path}


def test_the_number_of_readings_is_bounded():
    path = b"/a%2F%5C..;b//..\\..%5c/%2e%2e%2f/c;d/./..;/" * 4
    assert 1 < len(readings(path)) <= 40


@pytest.mark.parametrize("path", [b"/", b"/a/b.css", b"/a..b", b"*", b"/a=b&c+d,e!(f)'~@:$"])
def test_plain_paths_are_seen_as_such(path):
    assert is_plain(path)
    assert readings(path) == {path}


@pytest.mark.parametrize("trick", [b"%", b"//", b"/.", b";", b"\\", b"#", b"\0"])
def test_no_trick_passes_as_plain(trick):
    assert not is_plain(b"/a" + trick + b"b")
