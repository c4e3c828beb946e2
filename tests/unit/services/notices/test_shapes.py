"""Questions below their categories."""

from services.notices.shapes import by_category


def test_by_category():
    rows = [{"category": name, "n": n} for n, name in enumerate(["a-b", "a-b", "été", ""])]
    made = [(heading, [row["n"] for row in group]) for heading, group in by_category(rows)]
    assert made == [("A-b", [0, 1]), ("Été", [2]), ("", [3])]
