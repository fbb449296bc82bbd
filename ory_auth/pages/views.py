"""The pages of ``ory_auth.urls``: start a flow at Ory, render it when Ory sends the browser back, sign out.

Follows https://www.ory.com/docs/kratos/bring-your-own-ui/custom-ui-overview.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.signals import user_logged_out
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import resolve_url
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import escape_leading_slashes, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST, require_safe
from django.views.generic import View

from ..events import Event, log
from ..exceptions import AALRequired, NotAdmitted, OryUnavailable
from ..ory import cookies
from ..ory.client import Client, read_object
from ..ory.flows import Flow
from ..ory.http_client import Response
from ..request.client_address import client_address
from ..request.sign_in_marker import has_marker, set_marker, use_marker
from ..request.state import RequestState, state_of
from ..responses import redirect_loop, refusals
from ..responses.client_kind import ClientKind
from ..responses.outage_help import explain_forbidden_return
from ..responses.return_url import allowed, asked_for, wanted
from ..sessions.driver import carry_out
from ..sessions.outcomes import SecondFactorMissing, SignedIn, SignedOut, Unavailable
from ..sessions.single_flight import BREAKER_OPEN, Priority, flights
from .health import health
from .ui import FlowPage, Traits, read_csrf_token, read_error, read_flow, read_schema_id, read_traits, write_exact


@method_decorator(never_cache, name="dispatch")
class FlowView(View):
    """One self-service flow: without ``?flow=`` it starts at Ory, with it the page shows the flow."""

    flow = Flow.SETTINGS

    def get(self, request: HttpRequest) -> HttpResponse:
        flow_id = request.GET.get("flow")
        if flow_id is not None:
            return self.show(request, flow_id)
        return _debug_unreachable(request) or self.start(request)

    def start(self, request: HttpRequest) -> HttpResponse:
        """Send the browser to Ory, which sends it back to ``?next=`` (or ``?return_to=``).

        Without either, the browser stays on the settings page, which says what was saved.
        """
        conf = state_of(request).conf
        stays = self.flow is Flow.SETTINGS and asked_for(request) is None
        target = "" if stays else wanted(request, conf.login_redirect_hosts)
        return _sent(request, target, refusals.open_in_browser(request, self.flow.start(conf, target)))

    def show(self, request: HttpRequest, flow_id: str) -> HttpResponse:
        """The flow as a page, or a page that says how to start again if the flow is gone."""
        answer = self.ask(request, flow_id)
        data = read_object(answer)
        return self.refuse(request, answer.status, data) or self.render(request, flow_id, data)

    def ask(self, request: HttpRequest, flow_id: str) -> Response:
        own_cookies = self.own_cookies(request)
        return _ask_ory(request, lambda client, may_ask: client.flow(self.flow.value, flow_id, own_cookies, may_ask))

    def own_cookies(self, request: HttpRequest) -> str:
        return cookies.select_flow_cookies(
            request.META.get("HTTP_COOKIE", ""), state_of(request).conf.session_cookie_name
        )

    def refuse(self, request: HttpRequest, status: int, data: dict[str, Any]) -> HttpResponse | None:
        """What the browser gets if Ory's answer is not a form for it."""
        if isinstance(data.get("ui"), dict) and status in {200, 400}:  # 400: the form as it was refused
            # Anybody can fill in a flow of an app and send its link to a victim.
            return None if data.get("type") == "browser" else self._gone(request, 404)
        if (
            status == 403
            and redirect_loop.COOKIE in request.COOKIES
            and cookies.CSRF_PREFIX not in self.own_cookies(request)
        ):
            return _no_cookie_page(request, self._again(""))  # back from Ory, whose cookie did not reach this site
        return self._not_shown(request, status, data)

    def read(self, request: HttpRequest, flow_id: str, data: dict[str, Any]) -> FlowPage:
        conf = state_of(request).conf
        return read_flow(data, submit_url=self.flow.submit(conf, flow_id), ory_url=conf.browser_url)

    def render(self, request: HttpRequest, flow_id: str, data: dict[str, Any]) -> HttpResponse:
        conf = state_of(request).conf
        page = self.read(request, flow_id, data)
        back = data.get("return_to")
        back = back if isinstance(back, str) and allowed(request, back, conf.login_redirect_hosts) else ""
        context = {"page": page, "flow": self.flow.value, "return_to": back, "restart_url": self._again(back)}
        if self.flow is Flow.LOGIN and page.requested_aal == "aal2" and not page.has_second_factor:
            settings_url = _with_return_to(reverse(Flow.SETTINGS.url_name), back)
            return refusals.page(request, 200, "no_second_factor", settings_url=settings_url, **context)
        response = refusals.page(request, 200, self.flow.value, **context)
        if redirect_loop.COOKIE in request.COOKIES:
            redirect_loop.forget(response)  # a form is shown, so the browser is not redirected in circles
        return response

    def _not_shown(self, request: HttpRequest, status: int, data: dict[str, Any]) -> HttpResponse:
        error = data.get("error")
        error_id = error.get("id") if isinstance(error, dict) else None
        follow_up = data.get("use_flow_id")
        if status == 410 and isinstance(follow_up, str):
            path = escape_leading_slashes(request.path)  # "//host/" would name another site
            return HttpResponseRedirect(f"{path}?{urlencode({'flow': follow_up})}")
        if error_id == "session_aal2_required" or status == 422:
            return refusals.challenge(request, AALRequired())
        if status == 401:  # the settings of somebody whose session has ended
            return refusals.sign_in(request)
        if status in {400, 403, 404, 410}:
            return self._gone(request, status)
        raise OryUnavailable(f"Ory answered {status} for a flow.", status=status)

    def _gone(self, request: HttpRequest, status: int) -> HttpResponse:
        return refusals.page(request, status, "flow_gone", flow=self.flow.value, restart_url=self._again(""))

    def _again(self, back: str) -> str:
        return _with_return_to(reverse(self.flow.url_name), back)


@method_decorator([sensitive_post_parameters(), csrf_protect], name="dispatch")
class SettingsView(FlowView):
    """The settings. Where plain fields cannot carry the profile to Ory, it comes here first, by POST."""

    flow = Flow.SETTINGS
    traits: Traits | None = None

    def ask(self, request: HttpRequest, flow_id: str) -> Response:
        """The flow, and beside it the identity schema, which says how Ory reads the fields of the profile."""
        own_cookies = self.own_cookies(request)
        schemas: list[object] = []

        def ask(client: Client, may_ask: Callable[[], bool]) -> Response:
            answer = client.flow(self.flow.value, flow_id, own_cookies, may_ask)
            if schema_id := read_schema_id(answer.body):
                schemas.append(client.identity_schema(schema_id))
            return answer

        answer = _ask_ory(request, ask)
        self.traits = read_traits(answer.body, schemas[0] if schemas else None)
        return answer

    def read(self, request: HttpRequest, flow_id: str, data: dict[str, Any]) -> FlowPage:
        conf = state_of(request).conf
        return read_flow(
            data,
            submit_url=self.flow.submit(conf, flow_id),
            ory_url=conf.browser_url,
            traits=self.traits,
            merge_url=f"{escape_leading_slashes(request.path)}?{urlencode({'flow': flow_id})}",
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        """Send the whole profile on to Ory, from the browser: what has no field here, and what was changed."""
        flow_id = request.GET.get("flow", "")
        answer = self.ask(request, flow_id)
        data = read_object(answer)
        if refused := self.refuse(request, answer.status, data):
            return refused
        if self.traits is None or not self.traits.can_be_edited:
            return self.render(request, flow_id, data)
        return refusals.page(
            request,
            200,
            "settings_save",
            submit_url=self.flow.submit(state_of(request).conf, flow_id),
            csrf_token_of_ory=read_csrf_token(data),
            traits=write_exact(self.traits.merge(dict(request.POST.lists()))),
        )


class LoginView(FlowView):
    """Sign in, step up, or show why neither helps."""

    flow = Flow.LOGIN

    def start(self, request: HttpRequest) -> HttpResponse:
        state = state_of(request)
        return sign_in(request, state, wanted(request, state.conf.login_redirect_hosts))


def sign_in(request: HttpRequest, state: RequestState, target: str) -> HttpResponse:
    """Send the browser to whatever is missing, and then to ``target``. People who are not admitted get a page here."""
    outcome = state.outcome()
    if isinstance(outcome, SignedOut) and outcome.remembered:
        outcome = state.outcome(fresh=True)  # a refusal from a few seconds ago may be outdated
    match outcome:
        case Unavailable(event=Event.FLOOD):
            pass  # at Ory the session is known, and browsers that come back from there are not limited
        case Unavailable():
            raise state.trouble(outcome)
        case SignedIn():
            state.user()
            if state.refused:
                return refusals.not_admitted(request, NotAdmitted(state.refused))
            if redirect_loop.is_back(request, target):
                return refused(request)
            return _sent(request, target, refusals.open_in_browser(request, target))
        case SecondFactorMissing():
            return refusals.challenge(request, AALRequired(), target)
        case SignedOut(reason=Event.LOGOUT):
            # Signed out here while Ory was down: the session lives there, and Ory would send the browser straight back.
            trouble = state.sign_out()
            if trouble:
                return refusals.unavailable(request, trouble)
        case _ if redirect_loop.is_back(request, target):
            return _no_cookie_page(request, Flow.LOGIN.start(state.conf, target, refresh=True))
    # A credential that a Django sign-in outranks is valid at Ory, which would send the browser straight back as well.
    outranked = outcome == SignedOut() and state.credential is not None
    url = Flow.LOGIN.start(state.conf, target, refresh=outranked)
    return _sent(request, target, refusals.not_authenticated(request, url))


def refused(request: HttpRequest) -> HttpResponse:
    """403: signed in, but the page needs rights that this account does not have."""
    response = refusals.permission_denied(request)
    redirect_loop.forget(response)
    return response


def _sent(request: HttpRequest, target: str, response: HttpResponse) -> HttpResponse:
    redirect_loop.send(request, response, target)
    set_marker(request, response)
    return response


def _no_cookie_page(request: HttpRequest, try_again_url: str) -> HttpResponse:
    """A page with likely causes, instead of another redirect: the browser was at Ory, but has no session here."""
    state = state_of(request)
    log(Event.LOGIN_LOOP, cookie_came=state.found is not None)
    response = refusals.page(
        request,
        403,
        "login_loop",
        try_again_url=try_again_url,
        cookie_name=state.conf.session_cookie_name,
        cookie_came=state.found is not None,
        host=request.get_host(),
        ory_url=state.conf.browser_url,
    )
    redirect_loop.forget(response)
    return response


@never_cache
@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    """End the session here and at Ory. If Ory cannot end it: 503, and the session is still refused here.

    A browser needs Django's CSRF token; a program that sends its credential by header does not.
    """
    credential = state_of(request).credential
    by_header = credential is not None and credential.kind.by_header
    return _sign_out(request) if by_header else csrf_protect(_sign_out)(request)


def _sign_out(request: HttpRequest) -> HttpResponse:
    state = state_of(request)
    with state.seen_as_anonymous():
        user = state.user_who_signs_out()
        if hasattr(request, "session"):
            auth.logout(request)
        else:  # logout() needs a session
            user_logged_out.send(sender=type(user), request=request, user=user)
        trouble = state.sign_out()
    if trouble:
        return refusals.unavailable(request, trouble)
    if refusals.client_kind(request) is ClientKind.SCRIPT:
        return HttpResponse(status=204)
    default = resolve_url(settings.LOGOUT_REDIRECT_URL or "/")
    target = wanted(request, state.conf.login_redirect_hosts, default=default)
    return refusals.open_in_browser(request, target)


@never_cache
def error(request: HttpRequest) -> HttpResponse:
    """An error of Ory, explained by its id.

    Ory's own texts repeat parts of a link (``return_to``), so an attacker can write them. They are shown only with
    ``DEBUG``.
    """
    content: dict[str, Any] = {}
    error_id = request.GET.get("id")
    if error_id:
        answer = _ask_ory(request, lambda client, may_ask: client.error(error_id, may_ask))
        found = read_object(answer).get("error") if answer.status == 200 else None
        content = found if isinstance(found, dict) else {}
    page = read_error(content, with_texts=settings.DEBUG)
    status = page.code if 400 <= page.code < 500 else 400
    debug: dict[str, Any] = {}
    if settings.DEBUG and page.id == "self_service_flow_return_to_forbidden":
        debug = explain_forbidden_return(f"{request.scheme}://{request.get_host()}").as_json()
    return refusals.page(request, status, "error", error=page, explanation=page.explanation, debug=debug)


@never_cache
@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """For load balancers: 200 if Ory, the cache and the database answer, else 503, with JSON that says which do."""
    found = health(state_of(request).conf)
    status = 200 if all(found.values()) else 503
    return JsonResponse({name: "ok" if fine else "unavailable" for name, fine in found.items()}, status=status)


def _ask_ory(request: HttpRequest, call: Callable[[Client, Callable[[], bool]], Response]) -> Response:
    conf = state_of(request).conf
    process = flights(conf)
    address = client_address(request.META, conf.trusted_proxies)

    def may_ask() -> bool:
        return process.limiter.acquire_page(address, marked=use_marker(request))

    priority = Priority.RETURNING if has_marker(request) else Priority.PAGE
    answer: Response | Unavailable = carry_out(
        process.call(lambda client: call(client, may_ask), priority), conf.timeout
    )
    if isinstance(answer, Unavailable):
        log(answer.event, status=answer.status, error=answer.cause, at="flow")
        raise answer.error()
    if answer.status >= 500:
        log(Event.UNAVAILABLE, status=answer.status, at="flow")
        raise OryUnavailable(f"Ory answered {answer.status}.", status=answer.status)
    return answer


def _debug_unreachable(request: HttpRequest) -> HttpResponse | None:
    """With ``DEBUG``, the page that says why there is no connection to Ory; ``None`` if there is one.

    Otherwise a developer who has not started Ory is sent to an address where nothing answers.
    """
    if not settings.DEBUG:
        return None
    conf = state_of(request).conf
    if urlsplit(conf.sdk_url).netloc == request.get_host():  # this site itself, not Ory
        return refusals.unavailable(request, Unavailable(Event.UPSTREAM_REJECTS, 404))
    found = carry_out(flights(conf).call(lambda client: client.readiness(), Priority.PAGE), conf.timeout)
    if not isinstance(found, Unavailable) or (found.connected and found.cause != BREAKER_OPEN):
        return None
    return refusals.unavailable(request, found)


def _with_return_to(url: str, back: str) -> str:
    return f"{url}?{urlencode({'return_to': back})}" if back else url


# By the names of their URLs.
PAGES: dict[str, Callable[[HttpRequest], Any]] = {
    "logout": logout,
    "error": error,
    "ready": ready,
    **{flow.value: FlowView.as_view(flow=flow) for flow in Flow},
    Flow.LOGIN.value: LoginView.as_view(),
    Flow.SETTINGS.value: SettingsView.as_view(),
}
