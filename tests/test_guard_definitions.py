"""Guards that could never run, or that ask for the impossible, are refused when the code is loaded."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial, wraps
from typing import Any, cast

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.mixins import LoginRequiredMixin
from django.contrib.syndication.views import Feed
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory
from django.urls import include, path
from django.utils.decorators import method_decorator
from django.views import View
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import ListView, TemplateView
from rest_framework.decorators import api_view
from rest_framework.generics import GenericAPIView
from rest_framework.viewsets import GenericViewSet

from ory_auth.decorators import ory_optional, ory_required
from ory_auth.mixins import OryRequiredMixin
from ory_auth.types import AAL
from tests.support.client import DualClient
from tests.support.ory import Ory

JSON = {"Accept": "application/json"}
Bases = tuple[type, ...]


class Page(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("let in")


class GuardedBase(OryRequiredMixin, View):
    pass


class GuardedMixin(OryRequiredMixin):
    aal = "aal2"


class CallsSuper:
    """A mixin that does work of its own and goes on, as CSRF or logging mixins do."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)  # type: ignore[misc]


class AnswersItself:
    def dispatch(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("nobody asked")


def define(*bases: type, **attributes: object) -> Any:
    return type("Page", bases, {"__module__": __name__, **attributes})


# --- the order of the bases -------------------------------------------------------------------------------------------

WRONG: list[tuple[Bases, str]] = [
    ((View, OryRequiredMixin), "class Page(OryRequiredMixin, View):"),
    ((TemplateView, OryRequiredMixin), "class Page(OryRequiredMixin, TemplateView):"),
    ((ListView, LoginRequiredMixin, OryRequiredMixin), "class Page(OryRequiredMixin, ListView, LoginRequiredMixin):"),
    ((LoginRequiredMixin, View, OryRequiredMixin), "class Page(OryRequiredMixin, LoginRequiredMixin, View):"),
    ((Page, OryRequiredMixin), "class Page(OryRequiredMixin, Page):"),
    ((Page, GuardedMixin), "class Page(GuardedMixin, Page):"),
    ((GenericAPIView, OryRequiredMixin), "class Page(OryRequiredMixin, GenericAPIView):"),
    ((GenericAPIView, GuardedBase), "class Page(GuardedBase, GenericAPIView):"),  # here `View` comes last
    ((GenericViewSet, GuardedBase), "class Page(GuardedBase, GenericViewSet):"),
    ((GuardedBase, GenericAPIView, GuardedMixin), "class Page(GuardedBase, GuardedMixin, GenericAPIView):"),
    ((AnswersItself, OryRequiredMixin), "class Page(OryRequiredMixin, AnswersItself):"),
    ((AnswersItself, OryRequiredMixin, View), "class Page(OryRequiredMixin, AnswersItself, View):"),
]


@pytest.mark.promise("A class whose guard would never run cannot be defined")
@pytest.mark.parametrize(("bases", "fix"), WRONG)
def test_a_class_whose_guard_never_runs_is_refused_with_the_right_order_in_the_message(bases: Bases, fix: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        define(*bases)
    assert fix in str(caught.value)
    assert "open to everybody" in str(caught.value)


RIGHT: list[Bases] = [
    (OryRequiredMixin, Page),
    (GuardedBase, Page),
    (GuardedMixin, Page),
    (OryRequiredMixin, LoginRequiredMixin, Page),
    (LoginRequiredMixin, OryRequiredMixin, Page),
    (CallsSuper, OryRequiredMixin, Page),
    (OryRequiredMixin, CallsSuper, Page),
    (define(CallsSuper, LoginRequiredMixin, OryRequiredMixin), Page),  # a mixin made of mixins, without a view
    (define(OryRequiredMixin, CallsSuper), GuardedBase, Page),
]


@pytest.mark.django_db
@pytest.mark.parametrize("bases", RIGHT)
def test_the_guard_runs_in_the_right_order(ory: Ory, web: DualClient, bases: Bases, urlpatterns: list[Any]) -> None:
    urlpatterns.append(path("page", define(*bases).as_view()))
    assert b"let in" not in web.get("/page").content
    session = ory.person().browser_session()
    session.set_up_totp()
    assert web.get("/page", headers=session.headers).content == b"let in"


def test_a_mixin_needs_no_view() -> None:
    assert define(OryRequiredMixin).dispatch
    assert define(AnswersItself).dispatch


def test_a_view_may_respond_freely_after_the_guard(ory: Ory, web: DualClient, urlpatterns: list[Any]) -> None:
    urlpatterns.append(path("page", define(OryRequiredMixin, AnswersItself, View).as_view()))
    assert web.get("/page", headers=JSON).status_code == 401


# --- dispatch() of one's own ------------------------------------------------------------------------------------------


def unnamed(function: Callable[..., Any]) -> Callable[..., Any]:
    def inner(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return inner


def named(function: Callable[..., Any]) -> Callable[..., Any]:
    return wraps(function)(unnamed(function))


class ByClosure(OryRequiredMixin, Page):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        go_on = super().dispatch

        def run() -> Any:
            return go_on(request, *args, **kwargs)

        return run()


class ByName(OryRequiredMixin, Page):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return OryRequiredMixin.dispatch(self, request, *args, **kwargs)


class WorkFirst(OryRequiredMixin, Page):
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.GET.get("page"):
            kwargs["page"] = request.GET["page"]
        return super().dispatch(request, *args, **kwargs)


class Decorated(OryRequiredMixin, Page):
    @unnamed
    @method_decorator(csrf_exempt)
    @named
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return super().dispatch(request, *args, **kwargs)


def define_with_a_name_that_is_assigned_later() -> type[View]:
    class Later(OryRequiredMixin, Page):
        def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            return go_on(super().dispatch(request, *args, **kwargs))

    def go_on(response: HttpResponse) -> HttpResponse:
        return response

    return Later


Later = define_with_a_name_that_is_assigned_later()


@method_decorator([csrf_exempt, ory_required], name="dispatch")
class ClassDecorated(OryRequiredMixin, Page):
    pass


class Again(ClassDecorated):
    pass


@pytest.mark.parametrize("view", [ByClosure, ByName, WorkFirst, Later, Decorated, ClassDecorated, Again])
def test_a_dispatch_that_calls_the_next_one_is_fine(
    ory: Ory, web: DualClient, view: type[View], urlpatterns: list[Any]
) -> None:
    urlpatterns.append(path("page", view.as_view()))
    assert web.get("/page", headers=JSON).status_code == 401


def answer(self: View, request: HttpRequest) -> HttpResponse:
    return HttpResponse("nobody asked")


@pytest.mark.parametrize("dispatch", [answer, named(answer), unnamed(answer), method_decorator(csrf_exempt)(answer)])
def test_a_dispatch_that_never_calls_the_next_one_is_refused(dispatch: Callable[..., Any]) -> None:
    with pytest.raises(ImproperlyConfigured, match=r"Page\.dispatch\(\) never calls super\(\)\.dispatch\(\)"):
        define(OryRequiredMixin, View, dispatch=dispatch)


def test_an_object_that_is_not_a_function_is_not_checked() -> None:
    assert define(OryRequiredMixin, View, dispatch=partial(print))


# --- impossible values ------------------------------------------------------------------------------------------------

IMPOSSIBLE: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"aal": "aal3"}, ValueError, "aal='aal3' is not an assurance level. Use 'aal1' or 'aal2'."),
    ({"aal": "AAL2"}, ValueError, "aal='AAL2' is not an assurance level. Use 'aal1' or 'aal2'."),
    ({"aal": ""}, ValueError, "aal='' is not an assurance level."),
    ({"aal": 2}, TypeError, "aal=2 is not an assurance level."),
    ({"aal": True}, TypeError, "aal=True is not an assurance level."),
    ({"aal": ["aal2"]}, TypeError, "aal=['aal2'] is not an assurance level."),
    ({"max_age": "15"}, TypeError, "max_age='15' is neither a timedelta nor a number of seconds."),
    ({"max_age": True}, TypeError, "max_age=True is neither a timedelta nor a number of seconds."),
    ({"max_age": Decimal(15)}, TypeError, "max_age=Decimal('15') is neither"),
    ({"max_age": 0}, ValueError, "max_age=0 can't be satisfied. Use more than 0 seconds."),
    ({"max_age": -1}, ValueError, "max_age=-1 can't be satisfied. Use more than 0 seconds."),
    (
        {"max_age": timedelta(-1)},
        ValueError,
        "max_age=datetime.timedelta(days=-1) can't be satisfied. Use more than 0 seconds.",
    ),
    ({"max_age": math.nan}, ValueError, "max_age=nan can't be satisfied."),
    ({"max_age": math.inf}, ValueError, "max_age=inf is too long. Leave it out to accept a sign-in of any age."),
    ({"max_age": 1e300}, ValueError, "max_age=1e+300 is too long."),
    ({"fresh": "no"}, TypeError, "fresh='no' is neither True nor False."),
    ({"fresh": 1}, TypeError, "fresh=1 is neither True nor False."),
    ({"fresh": None}, TypeError, "fresh=None is neither True nor False."),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), IMPOSSIBLE)
def test_invalid_arguments_are_refused_by_the_decorator(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind) as caught:
        ory_required(**arguments)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(("attributes", "kind", "message"), IMPOSSIBLE)
def test_invalid_attributes_are_refused_by_the_class_definition(
    attributes: dict[str, Any], kind: type[Exception], message: str
) -> None:
    for bases in ((OryRequiredMixin,), (OryRequiredMixin, View), (GuardedBase,)):
        with pytest.raises(ImproperlyConfigured) as caught:
            define(*bases, **attributes)
        assert str(caught.value).startswith(f"{__name__}.Page: {message}")


@pytest.mark.parametrize(("attributes", "kind", "message"), IMPOSSIBLE)
def test_invalid_values_are_refused_by_as_view(attributes: dict[str, Any], kind: type[Exception], message: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        define(OryRequiredMixin, View).as_view(**attributes)
    assert str(caught.value).startswith(f"{__name__}.Page: {message}")


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"aal": "aal1"},
        {"aal": AAL.AAL2},
        {"max_age": 1},
        {"max_age": 0.5},
        {"max_age": timedelta(days=36500)},
        {"aal": "aal2", "max_age": 900.0, "fresh": True},
    ],
)
def test_valid_values_are_accepted_everywhere(arguments: dict[str, Any]) -> None:
    assert callable(ory_required(**arguments)(answer))
    assert define(OryRequiredMixin, View, **arguments).as_view()
    assert define(OryRequiredMixin, View).as_view(**arguments)


def test_as_view_refuses_unknown_arguments_as_django_does() -> None:
    with pytest.raises(TypeError, match="max_ages"):
        define(OryRequiredMixin, View).as_view(max_ages=1)
    with pytest.raises(TypeError, match="max_ages"):
        ory_required(max_ages=1)  # type: ignore[call-overload]


def test_a_view_set_accepts_its_actions() -> None:
    assert define(OryRequiredMixin, GenericViewSet, list=answer).as_view({"get": "list"})


class AsksPerRequest(OryRequiredMixin, Page):
    @property
    def aal(self) -> str | None:  # type: ignore[override]
        return self.request.GET.get("aal")


@pytest.mark.django_db
def test_an_attribute_that_is_a_property_is_read_at_each_request(
    ory: Ory, web: DualClient, urlpatterns: list[Any]
) -> None:
    urlpatterns.append(path("page", AsksPerRequest.as_view()))
    headers = {**ory.person().browser_session().headers, **JSON}
    assert web.get("/page", headers=headers).status_code == 200
    assert web.get("/page?aal=aal2", headers=headers).status_code == 403
    with pytest.raises(ImproperlyConfigured, match="AsksPerRequest: aal='aal3' is not an assurance level"):
        web.get("/page?aal=aal3", headers=headers)


# --- decorators on the wrong thing ------------------------------------------------------------------------------------

DECORATORS: list[tuple[str, Any]] = [
    ("ory_required", ory_required),
    ("ory_required", ory_required(aal="aal2")),
    ("ory_optional", ory_optional),
]


@pytest.mark.parametrize(("name", "decorate"), DECORATORS)
def test_decorating_a_class_is_refused(name: str, decorate: Any) -> None:
    with pytest.raises(TypeError) as caught:
        decorate(Page)
    assert str(caught.value).startswith(f"@{name} is for functions, but Page is a class. ")
    assert f'@method_decorator({name}, name="dispatch")' in str(caught.value)


@pytest.mark.parametrize(("name", "decorate"), DECORATORS)
@pytest.mark.parametrize("wrong", ["aal2", 900, timedelta(1), AAL.AAL2])
def test_decorating_something_not_callable_is_refused(name: str, decorate: Any, wrong: object) -> None:
    with pytest.raises(TypeError, match=rf"@{name} is for views, but {type(wrong).__name__} can't be called\."):
        decorate(wrong)


@pytest.mark.parametrize(("name", "decorate"), DECORATORS)
def test_a_decorated_method_raises_a_clear_error_when_called(name: str, decorate: Any) -> None:
    class Sync(View):
        @decorate  # type: ignore[untyped-decorator,unused-ignore]
        def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("nobody asked")

    with pytest.raises(TypeError) as caught:
        Sync.as_view()(RequestFactory().get("/"))
    assert "get() was called with a Sync instead of a request" in str(caught.value)
    assert f"@method_decorator({name})" in str(caught.value)


@pytest.mark.parametrize(("name", "decorate"), DECORATORS)
def test_a_decorated_coroutine_method_raises_a_clear_error_when_called(name: str, decorate: Any) -> None:
    class Async(View):
        @decorate  # type: ignore[untyped-decorator,unused-ignore]
        async def get(self, request: HttpRequest) -> HttpResponse:
            return HttpResponse("nobody asked")

    with pytest.raises(TypeError, match=r"get\(\) was called with a Async instead of a request"):
        async_to_sync(cast(Any, Async.as_view()))(RequestFactory().get("/"))


class Rows(Feed):  # type: ignore[type-arg,unused-ignore]
    """A view that is an object, as Django's feeds are."""

    title = link = description = "/"

    def items(self) -> list[str]:
        return []


@api_view(["GET"])
@ory_required
def guard_inside(request: HttpRequest) -> HttpResponse:
    return HttpResponse("let in")


@ory_required
@api_view(["GET"])
def guard_outside(request: HttpRequest) -> HttpResponse:
    return HttpResponse("let in")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "view", [guard_inside, guard_outside, ory_required(Rows()), ory_required(partial(guard_outside))]
)
def test_views_of_other_kinds_are_guarded(ory: Ory, web: DualClient, view: Any, urlpatterns: list[Any]) -> None:
    urlpatterns.append(path("page", view))
    assert web.get("/page", headers=JSON).status_code == 401
    assert web.get("/page", headers=ory.person().app_session().headers).status_code == 200


@pytest.fixture
def urlpatterns(settings: Any) -> list[Any]:
    """The routes of this test, to append to."""
    routes: list[Any] = [path("auth/", include("ory_auth.urls"))]
    settings.ROOT_URLCONF = type("Urls", (), {"urlpatterns": routes})
    return routes
