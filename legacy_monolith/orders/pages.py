"""Cart, checkout, and a member's orders."""

from decimal import Decimal
from uuid import uuid4

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from legacy_monolith.catalog.models import Product
from legacy_monolith.inventory.taking import SoldOutError
from legacy_monolith.orders.api import visible
from legacy_monolith.orders.cart import Cart, CartLine
from legacy_monolith.orders.placing import KeyUsedError, UnknownProductError, Wish, place
from legacy_monolith.paging import page_of
from legacy_monolith.payments.authorising import PaymentRefusedError
from legacy_monolith.payments.models import Payment

PLACING_ERRORS = (KeyUsedError, PaymentRefusedError, SoldOutError, UnknownProductError)


class CartForm(forms.Form):
    product = forms.ModelChoiceField(Product.objects.filter(active=True))
    quantity = forms.IntegerField(min_value=0)


class CheckoutForm(forms.Form):
    payment_method = forms.ChoiceField(choices=Payment.Method.choices, widget=forms.RadioSelect)
    # Set when the page is made: a form that is sent twice is one order.
    attempt = forms.CharField(max_length=100, widget=forms.HiddenInput)


def cart(request: HttpRequest) -> HttpResponse:
    basket = Cart(request)
    if request.method == "POST":
        form = CartForm(request.POST)
        if form.is_valid():
            basket.set(form.cleaned_data["product"], form.cleaned_data["quantity"])
        else:
            messages.error(request, "That could not be put into the cart.")
        return redirect("cart")
    lines = basket.lines()
    return render(request, "orders/cart.html", {"lines": lines, "total": total(lines)})


@login_required
def checkout(request: HttpRequest) -> HttpResponse:
    basket = Cart(request)
    lines = basket.lines()
    if not lines:
        return redirect("cart")
    form = CheckoutForm(request.POST or None, initial=first_choice())
    if request.method == "POST" and form.is_valid():
        quantities = {line.product.pk: line.quantity for line in lines}
        wish = Wish(quantities, form.cleaned_data["payment_method"])
        try:
            order, _ = place(request.user, wish, form.cleaned_data["attempt"])
        except PLACING_ERRORS as error:
            form.add_error(None, str(error))
        else:
            basket.clear()
            messages.success(request, "Thank you for your order.")
            return redirect(order)
    found = {"form": form, "lines": lines, "total": total(lines)}
    return render(request, "orders/checkout.html", found)


def first_choice() -> dict[str, str]:
    return {"payment_method": Payment.Method.CARD, "attempt": uuid4().hex}


def total(lines: list[CartLine]) -> Decimal:
    return sum((line.total for line in lines), Decimal())


@login_required
def listing(request: HttpRequest) -> HttpResponse:
    return render(request, "orders/list.html", {"page": page_of(request, visible(request.user))})


@login_required
def detail(request: HttpRequest, order_id: int) -> HttpResponse:
    order = get_object_or_404(visible(request.user).select_related("shipment"), pk=order_id)
    return render(request, "orders/detail.html", {"order": order})
