"""A plain Django-Ninja view that returns ready bytes: no middleware, no database, no rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings

from benchmarks.contest import PATH

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

    from benchmarks.sample import Sample


class Routes:
    """What Django calls a URL configuration."""

    urlpatterns: tuple[Any, ...] = ()


def application(sample: Sample) -> Any:  # noqa: ANN401 - Django's ASGI handler
    """Build the ASGI callable; settings come before Ninja is read, which asks for them at once."""
    routes = Routes()
    settings.configure(ALLOWED_HOSTS=["127.0.0.1"], ROOT_URLCONF=routes, MIDDLEWARE=[], SECRET_KEY="unused")  # noqa: S106 - nothing is signed
    import django  # noqa: PLC0415 - as above
    from django.core.asgi import get_asgi_application  # noqa: PLC0415 - as above
    from django.urls import path  # noqa: PLC0415 - as above

    django.setup(set_prefix=False)
    routes.urlpatterns = (path("", _api(sample).urls),)
    return get_asgi_application()


def _api(sample: Sample) -> Any:  # noqa: ANN401 - NinjaAPI, which cannot be named before settings are there
    from django.http import HttpResponse  # noqa: PLC0415 - as above
    from ninja import NinjaAPI  # noqa: PLC0415 - as above

    api = NinjaAPI(docs_url=None, openapi_url=None)

    async def read(request: HttpRequest) -> HttpResponse:
        answer = sample.not_modified if "If-None-Match" in request.headers else sample.full
        response = HttpResponse(answer.body, status=answer.status, headers=dict(answer.headers))
        if not answer.body:
            del response["content-type"]  # Django's own idea
        return response

    api.get(PATH)(read)
    return api
