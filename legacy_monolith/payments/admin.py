"""Payments in the admin."""

from django.contrib import admin

from legacy_monolith.payments.models import Payment


@admin.register(Payment)
class PaymentAdmin(admin.ModelAdmin):
    list_display = ("order", "method", "status", "amount", "created_at")
    list_filter = ("status", "method")
    list_select_related = ("order",)
    raw_id_fields = ("order",)
