"""The table of a comparison."""

import json

from bench.against.table import as_json, table
from bench.against.verdict import Compared
from bench.tables import NOTHING

WIDEST = Compared("everything", 9999.0, 10000.0, [1.0] * 9, (100000.0, 100600.0))
FEW = Compared("canary", 40.0, 41.5, [1.0375], None)


def line_of(each):
    """Its words, with dashes that can be typed."""
    return table([each])[1].replace(NOTHING, "-").split()


def test_it_fits_a_terminal():
    lines = table([WIDEST, FEW])
    assert len(lines) == 3
    assert max(map(len, lines)) <= 80


def test_a_line_has_its_figures():
    line = line_of(WIDEST)
    assert line == [
        "everything",
        "9,999",
        "10,000",
        "1.000",
        "1.000-1.000",
        "1.0060",
        "within",
        "2",
        "%",
    ]


def test_what_was_not_measured_is_a_dash():
    assert line_of(FEW)[4:6] == ["-", "-"]


def test_scripts_get_every_round():
    told = json.loads(json.dumps(as_json(WIDEST)))
    assert told["ratios"] == [1.0] * 9
    assert told["verdict"] == "within 2 %"
    assert told["interval"] == [1.0, 1.0]
    assert told["instructions"] == [100000.0, 100600.0]
