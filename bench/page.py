"""docs/performance.md: one page with a part for each benchmark, each written on its own.

A part stands between two marks that a reader does not see, so that the run of one benchmark leaves
the figures of the other as they are.
"""

from __future__ import annotations

import re
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
PARTS = ("gateway", "relay")
"""In the order of the page."""

_HEAD = """\
# Performance

Written by `make bench` (`python -m bench` for the gateway, `python -m bench.relay` for the relay);
changes by hand are lost with its next run. Whether one commit is slower than another tells
`make bench AGAINST=COMMIT`: [comparing-commits.md](comparing-commits.md)."""


def write(path: Path, part: str, document: str) -> None:
    """Put a part's document into the page; the other parts stay."""
    before = path.read_text() if path.exists() else ""
    path.write_text(compose(before, part, document))


def compose(page: str, part: str, document: str) -> str:
    """The page with `document` as that part, its headings one level below the page's own."""
    texts = {each: found for each in PARTS if (found := _part(page, each))}
    texts[part] = re.sub("^#", "##", _outside_code(document), flags=re.MULTILINE).replace(
        _HASH, "#"
    )
    marked = (f"{_begin(each)}\n\n{texts[each].strip()}\n\n{_end(each)}" for each in PARTS
              if each in texts)  # fmt: skip
    return "\n\n".join((_HEAD, *marked)) + "\n"


_HASH = "\N{SYMBOL FOR NULL}"


def _outside_code(document: str) -> str:
    """The document with the `#` of comments in blocks of code out of the way."""
    return re.sub(
        "^```.*?^```$", lambda block: block[0].replace("#", _HASH), document,
        flags=re.MULTILINE | re.DOTALL,
    )  # fmt: skip


def _part(page: str, part: str) -> str:
    _, _, rest = page.partition(_begin(part))
    return rest.partition(_end(part))[0].strip()


def _begin(part: str) -> str:
    return f"<!-- {part}: begin -->"


def _end(part: str) -> str:
    return f"<!-- {part}: end -->"
