from strangler.kit.compose import compose
from strangler.kit.problems import Problem, Severity
from strangler.kit.reader import Reader


def scalar(text, env=None):
    root, _ = compose(f"[{text}]", env or {})
    return root.items[0]


def test_errors_are_counted_and_warnings_are_not():
    reader = Reader()
    reader.error(scalar("x"), "bad")
    reader.warn(scalar("x"), "odd")
    assert reader.errors == 1
    assert reader.problems == [Problem(1, 2, "bad"), Problem(1, 2, "odd", Severity.WARNING)]


def test_only_a_text_is_a_text():
    reader = Reader()
    assert reader.text(scalar("x"), "a name") == "x"
    assert reader.text(scalar("~"), "a name") is None
    assert reader.text(scalar("{a: 1}"), "a name") is None
    assert [problem.message for problem in reader.problems] == [
        "found nothing, but a name belongs here",
        "found a mapping, but a name belongs here",
    ]


def test_a_reference_that_failed_is_not_reported_again():
    reader = Reader()
    assert reader.text(scalar('"${MISSING}"'), "a name") is None
    assert reader.problems == []
    assert reader.errors == 1
