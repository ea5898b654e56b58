"""The app's name, as Django asks for it."""

from __future__ import annotations

from django.apps import AppConfig


class StoreConfig(AppConfig):
    """Tables are named `store_...`."""

    name = "reference_gateway.store"
    label = "store"
    default_auto_field = "django.db.models.BigAutoField"
