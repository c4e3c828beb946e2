"""Orders in the admin: to be looked at and cancelled; placing one needs stock and a payment."""

from django.contrib import admin
from django.http import HttpRequest

from legacy_monolith.orders.models import Order, OrderLine


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    raw_id_fields = ("product",)
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ("id", "member", "status", "total", "placed_at")
    list_filter = ("status",)
    list_select_related = ("member",)
    raw_id_fields = ("member",)
    inlines = (OrderLineInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(OrderLine)
class OrderLineAdmin(admin.ModelAdmin):
    list_display = ("order", "product", "quantity", "unit_price")
    list_select_related = ("order", "product")
    raw_id_fields = ("order", "product")
