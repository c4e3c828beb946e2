"""The catalogue in the admin."""

from django.contrib import admin

from legacy_monolith.catalog.models import Category, Product


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    list_display = ("name", "slug")


@admin.register(Product)
class ProductAdmin(admin.ModelAdmin):
    list_display = ("sku", "name", "category", "price", "active")
    list_filter = ("category", "active")
    list_select_related = ("category",)
    search_fields = ("sku", "name")
    prepopulated_fields = {"slug": ("name",)}
