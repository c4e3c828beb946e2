import pytest

from strangler.kit.compose import compose
from strangler.kit.nodes import Sequence
from strangler.kit.reader import Reader


@pytest.fixture
def read():
    """Read a YAML text by a shape: the value and the messages."""

    def read(shape, text, env=None, names=None):
        root, problems = compose(f"- {text}", env or {})
        assert isinstance(root, Sequence), problems
        reader = Reader(names)
        value = shape.read(root.items[0], reader)
        return value, [problem.message for problem in (*problems, *reader.problems)]

    return read
