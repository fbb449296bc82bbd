"""Where the measured views are: behind one pattern, so that no address takes longer to find than another."""

from django.http import HttpRequest, HttpResponse
from django.urls import re_path

from trials.bench import sdk, views

VIEWS = {"/sync/bare": views.bare, "/sync/session": views.session, "/sync/user": views.user, "/sync/sdk": sdk.sdk}
ASYNC_VIEWS = {"/async/bare": views.abare, "/async/session": views.asession, "/async/user": views.auser}


def view(request: HttpRequest) -> HttpResponse:
    return VIEWS[request.path_info](request)


async def aview(request: HttpRequest) -> HttpResponse:
    return await ASYNC_VIEWS[request.path_info](request)


urlpatterns = [re_path("^sync/", view), re_path("^async/", aview)]
