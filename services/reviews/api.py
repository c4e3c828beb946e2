"""Reviews as JSON, for reading."""

from aiohttp import web

from services.common.answers import json_answer
from services.common.app import DATABASE
from services.common.errors import BadParameterError, NotFoundError
from services.common.listing import listing_asked, row_by_id
from services.common.paging import page_asked, page_body
from services.common.parameters import number, parameters
from services.reviews import tables
from services.reviews.queries import ratings_of, reviews_shown
from services.reviews.shapes import review_shape, summary_shape

PATH = "/api/reviews"


async def reviews(request: web.Request) -> web.Response:
    """A page of reviews, of one product or of all."""
    given = parameters(request.raw_path)
    page = page_asked(given, product=number(given, "product"))
    query = reviews_shown(page.filters.get("product"))
    listing = await request.app[DATABASE].run(listing_asked, query, page)
    results = [review_shape(row) for row in listing.rows]
    return json_answer(page_body(page, PATH, listing.count, results))


async def summary(request: web.Request) -> web.Response:
    """Count, average and histogram of one product's ratings."""
    product_id = number(parameters(request.raw_path), "product")
    if product_id is None:
        raise BadParameterError("product must be a whole number from 1.")
    ratings = await request.app[DATABASE].run(ratings_of, product_id)
    return json_answer(summary_shape(product_id, ratings))


async def detail(request: web.Request) -> web.Response:
    """One review."""
    review_id = int(request.match_info["id"])
    row = await request.app[DATABASE].run(
        row_by_id, reviews_shown(), tables.reviews.c.id, review_id
    )
    if row is None:
        raise NotFoundError(f"There is no review {review_id}.")
    return json_answer(review_shape(row))


ROUTES = [
    web.get(PATH, reviews),
    web.get(f"{PATH}/summary", summary),
    web.get(f"{PATH}/{{id:[0-9]{{1,4000}}}}", detail),
]
