"""The project of `stress.site` for servers, with views that take as many ``seconds`` as they are told."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from django.http import JsonResponse
from django.urls import path

from stress.site import urls, views


def slow(request: Any) -> JsonResponse:
    seen = views.seen(request.ory_session, request.user)
    time.sleep(float(request.GET["seconds"]))
    return JsonResponse(seen)


async def aslow(request: Any) -> JsonResponse:
    seen = views.seen(await request.aory_session(), await request.auser())
    await asyncio.sleep(float(request.GET["seconds"]))
    return JsonResponse(seen)


urlpatterns = [path("slow", slow), path("aslow", aslow), *urls.urlpatterns]
