"""The reviews' pages. The form for a new review stays with the monolith, whose session it needs."""

from aiohttp import web

from services.common.app import DATABASE
from services.common.errors import NotFoundError
from services.common.html import page
from services.common.listing import listing_shown
from services.common.parameters import parameters
from services.common.rows import LARGEST
from services.reviews.queries import newest_first


async def latest(request: web.Request) -> web.Response:
    """The newest reviews of all products."""
    given = parameters(request.raw_path)
    listing = await request.app[DATABASE].run(listing_shown, newest_first(), given.get("page"))
    return page(request, "latest.html", listing=listing, given=given)


async def of_product(request: web.Request) -> web.Response:
    """The reviews of one product, which the newest of them names.

    A product without reviews and one that does not exist look the same from here: the page says
    that there are none, and the monolith's form, to which it leads, knows better.
    """
    product_id = int(request.match_info["id"])
    if product_id > LARGEST:
        raise NotFoundError(f"There is no product {product_id}.")
    given = parameters(request.raw_path)
    listing = await request.app[DATABASE].run(
        listing_shown, newest_first(product_id), given.get("page")
    )
    name = listing.rows[0]["product_name"] if listing.rows else f"product {product_id}"
    product = {"id": product_id, "name": name}
    return page(request, "of_product.html", listing=listing, given=given, product=product)


ROUTES = [
    web.get("/reviews/", latest),
    web.get("/reviews/product/{id:[0-9]{1,4000}}/", of_product),
]
