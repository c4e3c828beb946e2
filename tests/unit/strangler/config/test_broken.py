"""Files as strangers break them, each with what they are told beside it.

To accept a changed message, write what the failing test shows into the `.txt` file.
"""

from pathlib import Path

import pytest

from cdc.config import SYNC
from strangler.config.load import check

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))
ENV = {"LEGACY_ADDRESS": "http://127.0.0.1:8000"}


@pytest.mark.parametrize("file", BROKEN, ids=lambda file: file.stem)
def test_a_broken_file_says_what_is_wrong_and_what_to_write(file: Path):
    checked = check(file.read_text(), env=ENV, sections={"sync": SYNC})
    told = "".join(f"{problem.at('routes.yaml')}\n" for problem in checked.problems)
    assert checked.table is None
    assert told == file.with_suffix(".txt").read_text()


def test_there_are_enough_of_them():
    assert len(BROKEN) >= 10
