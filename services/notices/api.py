"""Notices and questions as JSON."""

from aiohttp import web

from services.common.answers import json_answer
from services.common.app import DATABASE
from services.common.errors import NotFoundError
from services.common.listing import listing_asked, row_by_id
from services.common.paging import page_asked, page_body
from services.common.parameters import parameters, slug
from services.notices import tables
from services.notices.queries import notices_shown, questions_asked
from services.notices.shapes import notice_shape, question_shape

PATH = "/api/notices"


async def notices(request: web.Request) -> web.Response:
    """A page of notices."""
    page = page_asked(parameters(request.raw_path))
    listing = await request.app[DATABASE].run(listing_asked, notices_shown(), page)
    results = [notice_shape(row) for row in listing.rows]
    return json_answer(page_body(page, PATH, listing.count, results))


async def notice(request: web.Request) -> web.Response:
    """One notice."""
    notice_id = int(request.match_info["id"])
    row = await request.app[DATABASE].run(
        row_by_id, notices_shown(), tables.notices.c.id, notice_id
    )
    if row is None:
        raise NotFoundError(f"There is no notice {notice_id}.")
    return json_answer(notice_shape(row))


async def faq(request: web.Request) -> web.Response:
    """All questions, or those of one category."""
    category = slug(parameters(request.raw_path), "category")
    rows = await request.app[DATABASE].run(questions_asked, category)
    return json_answer({"count": len(rows), "results": [question_shape(row) for row in rows]})


ROUTES = [
    web.get(PATH, notices),
    web.get(f"{PATH}/{{id:[0-9]{{1,4000}}}}", notice),
    web.get("/api/faq", faq),
]
