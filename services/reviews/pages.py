"""The reviews' pages. The form for a new review stays with the monolith, whose session it needs."""

from aiohttp import web
from sqlalchemy import Connection

from services.common.app import DATABASE
from services.common.errors import NotFoundError
from services.common.html import page
from services.common.listing import Listing, listing_shown
from services.common.parameters import parameters
from services.common.rows import LARGEST
from services.reviews.queries import name_of, reviews_shown


async def latest(request: web.Request) -> web.Response:
    """The newest reviews of all products."""
    given = parameters(request.raw_path)
    listing = await request.app[DATABASE].run(listing_shown, reviews_shown(), given.get("page"))
    return page(request, "latest.html", listing=listing, given=given)


async def of_product(request: web.Request) -> web.Response:
    """The reviews of one product."""
    product_id = int(request.match_info["id"])
    given = parameters(request.raw_path)
    name, listing = await request.app[DATABASE].run(_of_product, product_id, given.get("page"))
    product = {"id": product_id, "name": name}
    return page(request, "of_product.html", listing=listing, given=given, product=product)


def _of_product(connection: Connection, product_id: int, shown: str | None) -> tuple[str, Listing]:
    """A product's name and reviews. One that is not here but has reviews is on its way."""
    if product_id <= LARGEST:
        name = name_of(connection, product_id)
        listing = listing_shown(connection, reviews_shown(product_id), shown)
        if name is not None:
            return name, listing
        if listing.rows:
            return listing.rows[0]["product_name"], listing
    raise NotFoundError(f"There is no product {product_id}.")


ROUTES = [
    web.get("/reviews/", latest),
    web.get("/reviews/product/{id:[0-9]{1,4000}}/", of_product),
]
