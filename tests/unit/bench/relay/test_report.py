"""The relay's half of the page, from results alone."""

from bench.relay.report import render
from bench.results import Failure, Results, Sample


def document(*samples: Sample, failures: tuple[Failure, ...] = ()) -> str:
    settings = {"Rows of the copy": "1,000,000"}
    skipped = {"debezium": "not installed: java"}
    return render(Results({"Cores": "2"}, {}, skipped, settings, list(samples), list(failures)))


def row(text: str, peer: str) -> list[str]:
    line = next(line for line in text.splitlines() if line.startswith(f"| {peer} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_only_cases_with_figures_have_a_section():
    text = document(Sample("commit-1", "pg_recvlogical", 0, {"rate": 1.0}))
    assert "## 1 row a commit" in text
    assert "## 100 rows a commit" not in text
    assert "## Commit to consumer" not in text
    assert "Skipped: debezium: not installed: java." in text


def test_readers_stand_beside_their_peers():
    rate = {"pg_recvlogical": 200.0, "debezium": 20.0, "strangler, fenced": 100.0}
    text = document(*(Sample("commit-100", p, 0, {"rate": r}) for p, r in rate.items()))
    cells = row(text, "strangler, fenced")
    assert cells[1] == "100"
    assert cells[-2:] == ["5.00", "0.50"]


def test_sizes_are_in_the_titles():
    text = document(Sample("big", "strangler, fenced", 0, {"rate": 9e4, "rss": 101e6}))
    assert "## One transaction of 1,000,000 rows" in text
    assert row(text, "strangler, fenced")[1:4] == ["90,000", "\N{EN DASH}", "101"]


def test_a_wrong_answer_is_told():
    text = document(failures=(Failure("commit-1", "debezium", "partition 2 has 1 | 2"),))
    assert "## Failures" in text
    assert "partition 2 has 1 \\| 2" in text
