"""Edit, then load: the new value is there, and nothing else has changed."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from strangler.config.edit import set_kill, set_split, set_version
from strangler.config.load import load
from strangler.config.model import Split
from strangler.kit.quantities import percent_text

NAMES = ("legacy", "reviews", "v2")
COMMENTS = st.sampled_from(["", "  # why", " # {a: 1}", "   # 'é😀"])
GAPS = st.sampled_from(["", "\n", "  # between\n"])


@st.composite
def shares(draw, names=NAMES):
    """Shares of some upstreams that sum to 10000."""
    chosen = draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    cuts = sorted(
        draw(st.lists(st.integers(0, 10_000), min_size=len(chosen) - 1, max_size=len(chosen) - 1))
    )
    return dict(
        zip(chosen, [b - a for a, b in zip([0, *cuts], [*cuts, 10_000], strict=True)], strict=True)
    )


@st.composite
def written_split(draw, split):
    """A split in one of the ways in which people write it, as lines below a route's name."""
    style = draw(st.sampled_from(["block", "flow", "upstream"]))
    quote = draw(st.sampled_from(["", "'", '"']))
    pairs = [f"{name}: {quote}{percent_text(share)}{quote}" for name, share in split.items()]
    if style == "upstream" and len(split) == 1:
        return f"upstream: {next(iter(split))}{draw(COMMENTS)}\n"
    if style == "block":
        lines = "".join(f"      {pair}{draw(COMMENTS)}\n" for pair in pairs)
        return f"split:{draw(COMMENTS)}\n{lines}"
    return f"split: {{{', '.join(pairs)}}}{draw(COMMENTS)}\n"


@st.composite
def files(draw):
    """A whole file with some routes, and its routes' names."""
    text = "# top\nversion: 3" + draw(COMMENTS) + "\nupstreams:\n"
    text += "".join(f"  {name}: {{endpoints: [http://{name}]}}\n" for name in NAMES)
    text += "default: legacy\nroutes:\n"
    names = [f"r{number}" for number in range(draw(st.integers(1, 4)))]
    for name in names:
        split = draw(written_split(draw(shares())))
        text += f"  - name: {name}{draw(COMMENTS)}\n{draw(GAPS)}"
        text += f"    match: {{path: /{name}}}\n    {split}{draw(GAPS)}"
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return ("\ufeff" if draw(st.booleans()) else "") + text, names


def split_after(route, new):
    """The file's own upstreams keep their places, with 0 if they are not named."""
    kept = {name: new.get(name, 0) for name, _ in route.action.shares}
    return Split(tuple((kept | new).items()))


@given(files(), shares(), st.data())
def test_a_split_is_what_it_was_set_to_and_all_else_stays(file, new, data):
    text, names = file
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))
    before = load(text, env={})
    edited = set_split(text, chosen, new)
    after = load(edited, env={})

    def canonical(split, route):
        one = [pair for pair in split.shares if pair[1]]
        return Split(tuple(one)) if len(one) == 1 and len(route.action.shares) == 1 else split

    expected = tuple(
        replace(route, action=canonical(split_after(route, new), route))
        if route.name in chosen
        else route
        for route in before.routes
    )
    found = tuple(
        replace(now, action=canonical(now.action, then))
        for now, then in zip(after.routes, before.routes, strict=True)
    )
    assert replace(after, routes=found) == replace(before, routes=expected)
    assert set_split(edited, chosen, new) == edited


@given(files(), shares(), st.data())
def test_lines_without_the_value_are_untouched(file, new, data):
    text, names = file
    edited = set_split(text, [data.draw(st.sampled_from(names))], new)
    values = ("legacy", "reviews", "v2", "split", "upstream")

    def others(lines):
        return [line for line in lines if not any(value in line.split("#")[0] for value in values)]

    assert others(edited.split("\n")) == others(text.split("\n"))
    for comment in ("# why", "# {a: 1}", "# 'é😀", "# top", "# between"):
        assert edited.count(comment) == text.count(comment)


@given(files(), st.integers(1, 10**9))
def test_a_version_is_what_it_was_set_to(file, version):
    text, _ = file
    edited = set_version(text, version)
    assert load(edited, env={}) == replace(load(text, env={}), version=version)
    assert edited.replace(str(version), "3", 1) == text


@given(files(), st.data())
def test_a_kill_can_be_set_and_taken_back(file, data):
    text, names = file
    name = data.draw(st.sampled_from(names))
    killed = set_kill(text, name, kill=True)
    assert load(killed, env={}).groups[name].kill is True
    alive = load(set_kill(killed, name, kill=False), env={})
    assert alive == load(text, env={})
