"""Templates and their filters."""

import html

import pytest
from django.utils.html import linebreaks
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from services.common.html import paragraphs, templates


@given(st.text("ab <&'\"\n\r"))
def test_paragraphs_are_those_of_the_monolith(text):
    """Django escapes quotes by other names for the same characters."""
    ours, theirs = str(paragraphs(text)), linebreaks(text, autoescape=True)
    assert html.unescape(ours) == html.unescape(theirs)
    assert ours.count("<") == theirs.count("<")


def test_values_are_escaped(tmp_path):
    (tmp_path / "a.html").write_text('<b title="{{ x }}">{{ x }}</b>')
    page = templates(tmp_path).get_template("a.html").render(x="\"><script>'")
    assert page == '<b title="&#34;&gt;&lt;script&gt;&#39;">&#34;&gt;&lt;script&gt;&#39;</b>'


def test_a_missing_name_is_an_error(tmp_path):
    (tmp_path / "a.html").write_text("{{ nobody }}")
    with pytest.raises(UndefinedError):
        templates(tmp_path).get_template("a.html").render()
