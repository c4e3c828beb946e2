"""Pages from templates. Jinja2 with autoescaping: what visitors wrote stays text.

`string.Template` would leave each escape to whoever writes a page, and one is forgotten some day.
"""

from pathlib import Path
from typing import Final

from aiohttp import web
from jinja2 import Environment, FileSystemLoader, StrictUndefined

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
    environment.filters["day"] = day
    return environment


def page(
    request: web.Request, template: str, *, status: int = 200, **values: object
) -> web.Response:
    """The page that a template of the request's application makes of `values`."""
    text = request.app[TEMPLATES].get_template(template).render(**values)
    return web.Response(text=text, status=status, content_type="text/html", charset="utf-8")
