"""Pages from templates. Jinja2 with autoescaping: what visitors wrote stays text.

`string.Template` would leave each escape to whoever writes a page, and one is forgotten some day.
"""

import re
from pathlib import Path
from typing import Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from services.common.paging import neighbour
from services.common.timestamps import day

TEMPLATES: Final = web.AppKey("templates", Environment)
_COMMON = Path(__file__).parent / "templates"


def templates(folder: Path) -> Environment:
    """The templates of one service in `folder`, which build on the common ones.

    A name that a template misses is an error, not a gap in the page.
    """
    environment = Environment(
        loader=FileSystemLoader([folder, _COMMON]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"day": day, "paragraphs": paragraphs}
    environment.globals["neighbour"] = neighbour
    return environment


def page(
    request: web.Request, template: str, *, status: int = 200, **values: object
) -> web.Response:
    """The page that a template of the request's application makes of `values`."""
    text = request.app[TEMPLATES].get_template(template).render(**values)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")


def paragraphs(text: str) -> Markup:
    """Text as people typed it: an empty line parts paragraphs, a line's end is a line break."""
    parts = re.split(r"\n{2,}", re.sub(r"\r\n?", "\n", text))
    broken = (Markup("<br>").join(escape(line) for line in part.split("\n")) for part in parts)
    return Markup("\n\n").join(Markup("<p>{}</p>").format(part) for part in broken)
