from strangler.kit.problems import ConfigError, Problem, Severity, did_you_mean, listed


def test_a_problem_is_one_line_that_editors_can_follow():
    assert Problem(14, 7, "what is wrong").at("routes.yaml") == "routes.yaml:14:7: what is wrong"


def test_a_warning_says_that_it_is_one():
    problem = Problem(1, 2, "odd", Severity.WARNING)
    assert problem.at("r.yaml") == "r.yaml:1:2: warning: odd"


def test_an_error_lists_its_problems_by_place():
    error = ConfigError("r.yaml", [Problem(2, 1, "b"), Problem(1, 9, "a")])
    assert str(error) == "r.yaml:1:9: a\nr.yaml:2:1: b"
    assert error.file == "r.yaml"


def test_a_near_word_is_suggested_whatever_its_case():
    assert did_you_mean("gte", ["GET", "POST"]) == " (did you mean `GET`?)"
    assert did_you_mean("xyz", ["GET", "POST"]) == ""


def test_words_are_listed_as_in_a_sentence():
    assert listed([]) == ""
    assert listed(["a"]) == "`a`"
    assert listed(["a", "b", "c"]) == "`a`, `b` and `c`"
