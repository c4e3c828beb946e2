"""The reviews' pages. The form for a new review stays with the monolith, whose session it needs."""

from aiohttp import web

from services.common.app import DATABASE
from services.common.html import page
from services.common.paging import page_asked
from services.common.parameters import parameters
from services.reviews import queries
from services.reviews.shapes import summary_shape


async def latest(request: web.Request) -> web.Response:
    """The latest reviews of all products."""
    asked = page_asked(parameters(request.raw_path))
    count, rows = await request.app[DATABASE].run(queries.page_of_reviews, asked)
    return page(request, "latest.html", reviews=rows, count=count, page=asked)


async def of_product(request: web.Request) -> web.Response:
    """The reviews of one product.

    The service cannot tell a product without reviews from one that does not exist: both have none.
    """
    product_id = int(request.match_info["id"])
    asked = page_asked(parameters(request.raw_path), product=product_id)
    database = request.app[DATABASE]
    count, rows = await database.run(queries.page_of_reviews, asked)
    ratings = await database.run(queries.ratings, product_id)
    return page(
        request,
        "product.html",
        product_id=product_id,
        product_name=await database.run(queries.product_name, product_id),
        summary=summary_shape(product_id, ratings),
        reviews=rows,
        count=count,
        page=asked,
    )
