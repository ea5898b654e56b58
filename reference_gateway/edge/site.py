"""Django as the edge uses it: configured by values, never by a settings module that reads the environment."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import django
from django.conf import settings


def configure(database_url: str, body_max_bytes: int = 0) -> None:
    """Set up Django, once per process, and before Ninja is imported: it reads the settings then."""
    settings.configure(
        ALLOWED_HOSTS=["*"],  # no answer is built from the Host header
        APPEND_SLASH=False,
        DATABASES={"default": _database(database_url)},
        DATA_UPLOAD_MAX_MEMORY_SIZE=body_max_bytes,
        DEBUG=False,
        INSTALLED_APPS=["reference_gateway.store.apps.StoreConfig"],
        LOGGING_CONFIG=None,
        MIDDLEWARE=[],
        ROOT_URLCONF=None,
        SECRET_KEY="",  # nothing here signs
        SILENCED_SYSTEM_CHECKS=["urls.E007"],
        USE_I18N=False,
        USE_TZ=True,
    )
    django.setup()


def route(routes: object) -> None:
    """Give Django what it calls a URL configuration."""
    settings.ROOT_URLCONF = routes


def _database(url: str) -> dict[str, Any]:
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        "OPTIONS": {"connect_timeout": 5, **dict(parse_qsl(parts.query))},
    }
