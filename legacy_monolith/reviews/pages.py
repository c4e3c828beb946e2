"""The newest reviews, those of a product, and the form for a new one."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from legacy_monolith.catalog.models import Product
from legacy_monolith.paging import page_of
from legacy_monolith.reviews.models import Review
from legacy_monolith.reviews.writing import InvalidReviewError, write_review


class ReviewForm(forms.Form):
    rating = forms.TypedChoiceField(
        choices=[(n, f"{n} of 5") for n in range(5, 0, -1)], coerce=int, initial=5
    )
    title = forms.CharField(max_length=120)
    body = forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 6}))


def latest(request: HttpRequest) -> HttpResponse:
    rows = Review.objects.select_related("product", "author")
    return render(request, "reviews/latest.html", {"page": page_of(request, rows)})


def of_product(request: HttpRequest, product_id: int) -> HttpResponse:
    product = get_object_or_404(Product, pk=product_id)
    rows = product.reviews.select_related("product", "author")
    found = {"product": product, "page": page_of(request, rows)}
    return render(request, "reviews/of_product.html", found)


@login_required
def new(request: HttpRequest, product_id: int) -> HttpResponse:
    product = get_object_or_404(Product, pk=product_id, active=True)
    form = ReviewForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            write_review(request.user, product.pk, **form.cleaned_data)
        except InvalidReviewError as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Thank you for your review.")
            return redirect("reviews-of-product", product_id=product.pk)
    return render(request, "reviews/new.html", {"form": form, "product": product})
