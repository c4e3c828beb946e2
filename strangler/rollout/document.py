"""A routes.yaml as plain data: what people wrote, without comments and without secrets.

Differences are taken between documents rather than between compiled tables: references such as
`${TOKEN}` stay references, so that no plan, history or log can show a secret, and an old version
can be compared although a variable it names is gone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias

from strangler.config.edit import PLAIN_VERSION
from strangler.kit import pieces
from strangler.kit.compose import compose
from strangler.kit.nodes import Mapping, Node, Scalar, Sequence
from strangler.kit.problems import ConfigError, Problem, Severity
from strangler.kit.quantities import hundredths, percent_text

Value: TypeAlias = "str | list[Value] | dict[str, Value] | None"
"""A scalar's text as written, a list, a mapping, or None where nothing was written."""

Document: TypeAlias = dict[str, Value]


BYTE_ORDER_MARK = "\ufeff"
"""Some editors write one; it is no part of what a file says."""


def parse(text: str, file: str = "routes.yaml") -> tuple[Mapping, list[Problem]]:
    """The root node of a routes.yaml; raises ConfigError if there is none."""
    root, problems = compose(text.removeprefix(BYTE_ORDER_MARK), pieces.ANY_VARIABLE)
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    if not isinstance(root, Mapping):
        raise ConfigError(file, errors or [Problem(1, 1, "the file must be a mapping of keys")])
    return root, errors


@lru_cache(maxsize=4)
def document(text: str) -> Document:
    """The data of a routes.yaml, not to be changed; raises ConfigError if it is no mapping.

    Documents share what their texts share, so that comparing two of them is quick.
    """
    data = _by_pieces(text.removeprefix(BYTE_ORDER_MARK))
    return _whole(text) if data is None else data


def unlike_parts(one: str, other: str) -> tuple[Document, Document]:
    """The documents of two texts without what is plainly the same in both.

    Differences between these are the differences of the texts. Raises ConfigError as `document`
    does.
    """
    parts = _apart(one.removeprefix(BYTE_ORDER_MARK), other.removeprefix(BYTE_ORDER_MARK))
    return parts or (document(one), document(other))


def _apart(one: str, other: str) -> tuple[Document, Document] | None:
    cut, cut_other = pieces.sections(one), pieces.sections(other)
    if not cut or not cut_other or "routes" not in cut or "routes" not in cut_other:
        return None
    routes = _routes_apart(cut.pop("routes"), cut_other.pop("routes"))
    if routes is None:
        return None
    documents: tuple[Document, Document] = ({"routes": routes[0]}, {"routes": routes[1]})
    for data, mine, theirs in zip(documents, (cut, cut_other), (cut_other, cut), strict=True):
        for key, piece in mine.items():
            if key in theirs and theirs[key].text == piece.text:
                continue
            node = pieces.read_section(piece)
            if node is None:
                return None
            data[key] = data_of(node)
    return documents


def _routes_apart(one: pieces.Piece, other: pieces.Piece) -> tuple[list[Value], list[Value]] | None:
    """The routes that differ, if they are the same ones in the same order."""
    items, others = pieces.items(one), pieces.items(other)
    if items is None or others is None or len(items) != len(others):
        return None
    unlike = [(a.text, b.text) for a, b in zip(items, others, strict=True) if a.text != b.text]
    routes = _routes.read([text for text, _ in unlike])
    other_routes = _routes.read([text for _, text in unlike])
    if routes is None or other_routes is None or _names(routes) != _names(other_routes):
        return None
    return routes, other_routes


def _names(routes: list[Value]) -> list[Value]:
    return [route.get("name") if isinstance(route, dict) else None for route in routes]


def _whole(text: str) -> Document:
    root, _ = parse(text)
    data = data_of(root)
    assert isinstance(data, dict)
    return data


def _by_pieces(text: str) -> Document | None:
    """The data read piece by piece; None if the text cannot be cut."""
    data: Document = {}
    for key, piece in (pieces.sections(text) or {}).items():
        items = pieces.items(piece) if key == "routes" else None
        if items is not None:
            routes = _routes.read([item.text for item in items])
            if routes is None:
                return None
            data[key] = routes
            continue
        node = pieces.read_section(piece)
        if node is None:
            return None
        data[key] = data_of(node)
    return data or None


class _Routes:
    """Routes by their text: those read before are not read again."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[str, Value] = {}

    def read(self, texts: list[str]) -> list[Value] | None:
        """The routes' data; None if a text is not exactly one route."""
        known = self._known
        new = [text for text in dict.fromkeys(texts) if text not in known]
        if new:
            nodes = pieces.read_items(new)
            if nodes is None:
                return None
            found = {text: data_of(node) for text, node in zip(new, nodes, strict=True)}
            if len(known) + len(found) > self._most:
                known = {text: known[text] for text in texts if text in known}
            known.update(found)
            self._known = known  # another thread goes on with what it had
        return [known[text] for text in texts]


_routes = _Routes(most=50_000)


def data_of(node: Node) -> Value:
    """A node's data, unexpanded."""
    if isinstance(node, Mapping):
        return {key.raw: data_of(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [data_of(item) for item in node.items]
    return None if node.is_null else node.raw


def version_of(text: str) -> int | None:
    """The number a text carries, or None if it carries none that can be read."""
    plain = PLAIN_VERSION.search(text)
    if plain is not None:
        return int(plain[1])
    try:
        root, _ = parse(text)
    except ConfigError:
        return None
    node = root.get("version")
    if isinstance(node, Scalar) and node.raw.isascii() and node.raw.isdigit():
        return int(node.raw)
    return None


def admin_of(text: str) -> str | None:
    """The admin address a text names, if it can be read at all and is not a variable."""
    sections = pieces.sections(text.removeprefix(BYTE_ORDER_MARK))
    if sections is not None and "gateway" not in sections:
        return None
    gateway = sections and pieces.read_section(sections["gateway"])
    try:
        gateway = gateway or parse(text)[0].get("gateway")
    except ConfigError:
        return None
    node = gateway.get("admin") if isinstance(gateway, Mapping) else None
    return node.raw if isinstance(node, Scalar) and node.raw and "${" not in node.raw else None


def same(one: str, other: str) -> bool:
    """Whether two texts say the same table, whatever their comments, layout and numbers."""
    if one == other:
        return True
    try:
        first, second = unlike_parts(one, other)
    except ConfigError:
        return False
    return {**first, "version": None} == {**second, "version": None}


def split_of(route: Value) -> dict[str, int] | None:
    """The shares of a route's split in hundredths; None if it has none that can be read."""
    if not isinstance(route, dict):
        return None
    upstream, split = route.get("upstream"), route.get("split")
    if isinstance(upstream, str):
        return {upstream: 10_000}
    if not isinstance(split, dict):
        return None
    shares = {name: hundredths(str(share)) for name, share in split.items()}
    return {name: share for name, share in shares.items() if share is not None}


def shares_text(shares: dict[str, int]) -> str:
    """`reviews 10 %, legacy 90 %`."""
    return ", ".join(f"{name} {percent_text(share)} %" for name, share in shares.items())


def routes_of(data: Document) -> dict[str, Document]:
    """The routes by name; those without a name are left out."""
    routes = data.get("routes")
    found: dict[str, Document] = {}
    for route in routes if isinstance(routes, list) else ():
        name = route.get("name") if isinstance(route, dict) else None
        if isinstance(route, dict) and isinstance(name, str):
            found[name] = route
    return found
