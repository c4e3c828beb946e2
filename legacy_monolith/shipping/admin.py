"""Shipments in the admin."""

from django.contrib import admin

from legacy_monolith.shipping.models import Shipment


@admin.register(Shipment)
class ShipmentAdmin(admin.ModelAdmin):
    list_display = ("order", "status", "carrier", "tracking_code", "shipped_at")
    list_filter = ("status", "carrier")
    list_select_related = ("order",)
    raw_id_fields = ("order",)
