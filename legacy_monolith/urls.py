"""Every public path of the shop."""

from django.contrib import admin
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import include, path, re_path

from legacy_monolith import errors, health, media
from legacy_monolith.catalog import api as catalog_api
from legacy_monolith.catalog import pages as catalog
from legacy_monolith.inventory import api as inventory_api
from legacy_monolith.members import api as members_api
from legacy_monolith.members import pages as members
from legacy_monolith.notices import api as notices_api
from legacy_monolith.notices import pages as notices
from legacy_monolith.orders import api as orders_api
from legacy_monolith.orders import export
from legacy_monolith.orders import pages as orders
from legacy_monolith.reviews import api as reviews_api
from legacy_monolith.reviews import pages as reviews
from legacy_monolith.shipping import api as shipping_api

api = [
    path("csrf", members_api.csrf),
    path("faq", notices_api.faq),
    path("inventory/<slug:sku>", inventory_api.stock),
    path("members/me", members_api.me),
    path("notices", notices_api.notices),
    path("notices/<int:notice_id>", notices_api.notice),
    path("orders", orders_api.orders),
    path("orders/<int:order_id>", orders_api.order),
    path("products", catalog_api.products),
    path("products/<int:product_id>", catalog_api.product),
    path("reviews", reviews_api.reviews),
    path("reviews/summary", reviews_api.review_summary),
    path("reviews/<int:review_id>", reviews_api.review),
    path("shipments/<int:order_id>", shipping_api.shipment),
    re_path("", errors.api_path_unknown),
]

urlpatterns = [
    path("", catalog.home, name="home"),
    path("products/", catalog.products, name="products"),
    path("products/<slug:slug>/", catalog.product, name="product"),
    path("accounts/register/", members.register, name="register"),
    path("accounts/login/", LoginView.as_view(template_name="members/login.html"), name="login"),
    path("accounts/logout/", LogoutView.as_view(), name="logout"),
    path("accounts/profile/", members.profile, name="profile"),
    path("reviews/", reviews.latest, name="reviews"),
    path("reviews/product/<int:product_id>/", reviews.of_product, name="reviews-of-product"),
    path("reviews/product/<int:product_id>/new/", reviews.new, name="review-new"),
    path("notices/", notices.listing, name="notices"),
    path("notices/<int:notice_id>/", notices.detail, name="notice"),
    path("faq/", notices.faq, name="faq"),
    path("cart/", orders.cart, name="cart"),
    path("checkout/", orders.checkout, name="checkout"),
    path("orders/", orders.listing, name="orders"),
    path("orders/<int:order_id>/", orders.detail, name="order"),
    path("orders/export.csv", export.export, name="orders-export"),
    path("media/<path:name>", media.picture),
    path("admin/", admin.site.urls),
    path("healthz", health.healthz),
    path("api/", include(api)),
]

handler404 = "legacy_monolith.errors.page_not_found"
handler500 = "legacy_monolith.errors.server_error"
