import pytest

from strangler.config.paths import matched_path, path, template
from strangler.kit.shapes import UnfitError


@pytest.mark.parametrize("text", ["/", "/a", "/a/", "/a/b.c", "/caf%C3%A9", "/~x/@y;z=1,2"])
def test_paths(text):
    assert path(text) == text


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("a", "such as `/reviews`"),
        ("/a?b=1", "match the query with `query:`"),
        ("/a#b", "end it before `?`"),
        ("/café", "percent-encode"),
        ("/a b", "percent-encode"),
        ("/a%zz", "percent-encode"),
        ("/a//b", "single slashes"),
        ("/a/../b", "the path that they lead to"),
        ("/a/.", "the path that they lead to"),
        ("/a/%2E%2e/b", "the path that they lead to"),
        ("/a%2fb", "leave it out"),
        ("/a/{id}", "`template:`"),
    ],
)
def test_what_is_no_path(text, advice):
    with pytest.raises(UnfitError) as caught:
        path(text)
    assert advice in caught.value.write


@pytest.mark.parametrize("text", ["/a;v=1/b", "/a%3Bv"])
def test_what_a_request_can_be_given_but_not_be_matched_with(text):
    assert path(text) == text
    with pytest.raises(UnfitError) as caught:
        matched_path(text)
    assert "the path before it" in caught.value.write


@pytest.mark.parametrize("text", ["/{a}", "/a/{id}/b/{other_1}", "/{a}/"])
def test_templates(text):
    assert template(text) == text


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("/a", "`path:`"),
        ("/a/{id}.json", "`regex:`"),
        ("/a/{}", "`{name}`"),
        ("/a/{1}", "`{name}`"),
        ("/a/{x", "`{name}`"),
        ("/{a}/{a}", "give each parameter its own"),
        ("/{a}//b", "single slashes"),
        ("/{a}/b;c", "the path before it"),
    ],
)
def test_what_is_no_template(text, advice):
    with pytest.raises(UnfitError) as caught:
        template(text)
    assert advice in caught.value.write
