"""One page of two parts, each written without the other."""

from bench.page import compose, write

GATEWAY = "# The gateway\n\n## Targets\n\n```sh\n# a comment\nmake bench   # another\n```\n"
RELAY = "# The relay\n\n## Targets\n\n| a |\n"


def test_headings_go_one_level_down_and_code_stays():
    page = compose("", "gateway", GATEWAY)
    assert page.startswith("# Performance\n")
    assert "\n## The gateway\n" in page
    assert "\n### Targets\n" in page
    assert "\n# a comment\nmake bench   # another\n" in page


def test_a_part_leaves_the_other_as_it_is():
    both = compose(compose("", "gateway", GATEWAY), "relay", RELAY)
    again = compose(both, "relay", RELAY.replace("| a |", "| b |"))
    assert again == both.replace("| a |", "| b |")


def test_the_order_of_the_parts_is_that_of_the_page():
    first = compose(compose("", "relay", RELAY), "gateway", GATEWAY)
    assert first == compose(compose("", "gateway", GATEWAY), "relay", RELAY)


def test_what_somebody_wrote_into_the_page_is_lost():
    assert "by hand," not in compose(compose("", "relay", RELAY) + "by hand,", "relay", RELAY)


def test_the_file_may_be_new(tmp_path):
    path = tmp_path / "performance.md"
    write(path, "relay", RELAY)
    write(path, "gateway", GATEWAY)
    assert path.read_text().index("## The gateway") < path.read_text().index("## The relay")
