"""Stock in the admin."""

from django.contrib import admin

from legacy_monolith.inventory.models import Stock


@admin.register(Stock)
class StockAdmin(admin.ModelAdmin):
    list_display = ("product", "available", "updated_at")
    list_select_related = ("product",)
    raw_id_fields = ("product",)
    search_fields = ("product__sku", "product__name")
