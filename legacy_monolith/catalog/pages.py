"""The start page, the products and one product."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from legacy_monolith.catalog.models import Category, Product
from legacy_monolith.notices.models import Notice
from legacy_monolith.paging import page_of
from legacy_monolith.reviews.models import Review


def home(request: HttpRequest) -> HttpResponse:
    found = {
        "products": Product.objects.filter(active=True).order_by("-id")[:8],
        "reviews": Review.objects.select_related("product", "author")[:3],
        "notices": Notice.objects.all()[:3],
    }
    return render(request, "catalog/home.html", found)


def products(request: HttpRequest) -> HttpResponse:
    rows = Product.objects.filter(active=True).select_related("category")
    category = request.GET.get("category", "").replace("\0", "")
    words = request.GET.get("q", "").replace("\0", "")
    if category:
        rows = rows.filter(category__slug=category)
    if words:
        rows = rows.filter(name__icontains=words)
    found = {
        "page": page_of(request, rows),
        "categories": Category.objects.all(),
        "category": category,
        "q": words,
    }
    return render(request, "catalog/products.html", found)


def product(request: HttpRequest, slug: str) -> HttpResponse:
    rows = Product.objects.filter(active=True).select_related("category", "stock")
    found = get_object_or_404(rows, slug=slug)
    reviews = found.reviews.select_related("author", "product")[:5]
    return render(request, "catalog/product.html", {"product": found, "reviews": reviews})
