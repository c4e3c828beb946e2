"""The pages of notices and questions."""

from aiohttp import web

from services.common.app import DATABASE
from services.common.errors import NotFoundError
from services.common.html import page
from services.common.listing import listing_shown, row_by_id
from services.common.parameters import parameters
from services.notices import tables
from services.notices.queries import notices_shown, questions_asked
from services.notices.shapes import by_category


async def notices(request: web.Request) -> web.Response:
    """A list of notices."""
    given = parameters(request.raw_path)
    listing = await request.app[DATABASE].run(listing_shown, notices_shown(), given.get("page"))
    return page(request, "list.html", listing=listing, given=given)


async def notice(request: web.Request) -> web.Response:
    """One notice."""
    notice_id = int(request.match_info["id"])
    row = await request.app[DATABASE].run(
        row_by_id, notices_shown(), tables.notices.c.id, notice_id
    )
    if row is None:
        raise NotFoundError(f"There is no notice {notice_id}.")
    return page(request, "detail.html", notice=row)


async def faq(request: web.Request) -> web.Response:
    """All questions, below their categories."""
    rows = await request.app[DATABASE].run(questions_asked)
    return page(request, "faq.html", groups=by_category(rows))


ROUTES = [
    web.get("/notices/", notices),
    web.get("/notices/{id:[0-9]{1,4000}}/", notice),
    web.get("/faq/", faq),
]
