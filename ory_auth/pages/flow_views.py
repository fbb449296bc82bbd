"""The pages of Ory's self-service flows: start a flow at Ory, and show it when Ory sends the browser back.

Follows https://www.ory.com/docs/kratos/bring-your-own-ui/custom-ui-overview. To add a page for another flow, add a
subclass of :class:`FlowView` and its template.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import resolve_url
from django.utils.decorators import method_decorator
from django.utils.functional import SimpleLazyObject
from django.utils.http import escape_leading_slashes, urlencode
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from ..exceptions import AALRequired, OryUnavailable
from ..impersonation.guard import no_impersonation
from ..ory import cookies
from ..ory.client import Client, read_object
from ..ory.flows import FlowKind
from ..ory.http_client import Response
from ..request.state import RequestState, state_of
from ..responses import redirect_loop, refusals
from ..responses.return_url import absolute_url, find_return_url, is_allowed, read_requested_url
from ..responses.step_up_flow import RESUMED, find_step_up, forget_step_up, remember_step_up
from ..sessions.outcomes import SecondFactorMissing, SignedIn
from ..types import AAL
from . import flow_start, representation
from .flow_forms import FlowForm, FlowForms
from .flow_json import flow_as_json
from .ory_calls import Call, call_ory, find_outage_in_debug
from .representation import Representation, wanted_representation
from .sign_in import login_loop_page, mark_as_sent, sign_in
from .start_parameters import links_of, start_link, start_query
from .ui import (
    SENT_STATES,
    FlowPage,
    Traits,
    has_error,
    names_account,
    read_csrf_token,
    read_error,
    read_flow,
    read_schema_id,
    read_start_query,
    read_traits,
    write_exact,
)

FINISHED = "passed_challenge"
# Ory adds these to the URL of a page, for the page.
KEPT_PARAMETERS = ("no_org_ui", representation.PARAMETER)
FLOW_GONE = gettext_lazy("This form has expired, was opened in another browser, or has already been used.")


@method_decorator(never_cache, name="dispatch")
class FlowView(View):
    """One self-service flow: without ``?flow=`` it starts at Ory, with it the page shows the flow.

    Subclasses may set ``template_name`` and ``form_class``, and extend ``get_context_data``.
    """

    kind: ClassVar[FlowKind]
    template_name = ""  # default: ory_auth/KIND.html
    form_class: type[FlowForm] = FlowForm
    state: RequestState

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.state = state_of(request)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        flow_id = request.GET.get("flow")
        if flow_id is not None:
            return self.show(flow_id)
        outage = find_outage_in_debug(request, self.state)
        if outage:
            return refusals.unavailable(request, outage)
        return self.start() if self.wanted is Representation.PAGE else self.start_here()

    @property
    def wanted(self) -> Representation:
        return wanted_representation(self.request)

    def start(self) -> HttpResponse:
        """Send the browser to Ory, which sends it back to ``?next=`` (or ``?return_to=``)."""
        return self.start_and_return_to(find_return_url(self.request, self.state.conf.login_redirect_hosts))

    def start_and_return_to(self, target: str) -> HttpResponse:
        """Send the browser to Ory, and then to ``target``. If that is empty, the browser stays on the page."""
        url = self.kind.start_url(self.state.conf, target, parameters=self.start_query)
        return mark_as_sent(self.request, target, refusals.open_in_browser(self.request, url))

    @property
    def start_query(self) -> dict[str, str]:
        """The parameters of this request that Ory starts the flow with, besides the URL to come back to."""
        return start_query(self.request, self.state.conf.login_redirect_hosts)

    def start_here(self, **parameters: str) -> HttpResponse:
        """Start the flow with a call from this server, and show it: for scripts, which cannot follow a redirect."""
        query = {"return_to": self.return_target(), **self.start_query, **parameters}
        response = self.create(query)
        data = read_object(response)
        conf = self.state.conf
        if response.status == 200 and flow_start.will_reach_ory(self.request, conf, response, self.own_cookies):
            shown = self.render(str(data.get("id")), data)
            cookies.forward_set_cookies(
                self.request, shown, response.cookies, flow_start.is_csrf_cookie, through_gateway=conf.uses_gateway
            )
            return shown
        return self._explain_refused_start(response.status, data, query)

    def return_target(self) -> str:
        """The URL to come back to, if this server starts the flow."""
        return find_return_url(self.request, self.state.conf.login_redirect_hosts)

    def create(self, query: dict[str, str]) -> Response:
        """Ory's response with the JSON of a new flow."""
        return call_ory(self.request, self.state, self.creation_call(query))

    def creation_call(self, query: dict[str, str]) -> Call:
        return flow_start.creation_call(self.request, self.state.conf, self.kind, query, self.own_cookies)

    def _explain_refused_start(self, status: int, data: dict[str, Any], query: dict[str, str]) -> HttpResponse:
        error = read_error(data.get("error") or {}, with_texts=False)
        if error.id == "session_already_available":
            outcome = self.state.outcome()
            if isinstance(outcome, SecondFactorMissing) and "aal" not in query:
                return self.start_here(aal="aal2")
            signed_in = isinstance(outcome, SignedIn)
            return refusals.open_in_browser(self.request, query["return_to"] if signed_in else self.page_url())
        if status == 401:
            return refusals.sign_in(self.request)
        if error.id == "session_aal2_required":
            return refusals.require_step_up(self.request, AALRequired())
        if status in {200, 422}:
            return refusals.open_in_browser(self.request, self.page_url())
        if self.wanted is Representation.JSON:
            body = {"code": error.id or "flow_refused", "detail": error.explanation}
            return representation.respond_json(400, body)
        context = {"error": error, "explanation": error.explanation}
        return representation.render(self.request, 400, "error", **context)

    def page_url(self) -> str:
        """The URL at which a browser opens this page itself, instead of a script."""
        query = self.request.GET.copy()
        query.pop(representation.PARAMETER, None)
        path = escape_leading_slashes(self.request.path)
        return f"{path}?{query.urlencode()}" if query else path

    def show(self, flow_id: str) -> HttpResponse:
        """The flow as a page, or a page that says how to start again if the flow is gone."""
        response = self.fetch(flow_id)
        data = read_object(response)
        return self.explain_if_unusable(response.status, data) or self.render(flow_id, data)

    def fetch(self, flow_id: str) -> Response:
        """Ory's response with the JSON of the flow."""
        own_cookies = self.own_cookies

        def fetch_flow(client: Client, is_allowed: Callable[[], bool]) -> Response:
            return client.flow(self.kind.value, flow_id, own_cookies, is_allowed)

        return call_ory(self.request, self.state, fetch_flow)

    @property
    def own_cookies(self) -> str:
        """Ory's cookies of the request, as a ``Cookie`` header."""
        return cookies.select_flow_cookies(
            self.request.META.get("HTTP_COOKIE", ""), self.state.conf.session_cookie_name
        )

    def explain_if_unusable(self, status: int, data: dict[str, Any]) -> HttpResponse | None:
        """The response for a browser to which Ory does not show the flow; ``None`` if the flow can be rendered."""
        if isinstance(data.get("ui"), dict) and status in {200, 400}:  # 400: the form with what was wrong
            # Anybody can fill in a flow of an app without cookies, and send its link to a victim.
            return None if data.get("type") == "browser" else self.flow_gone_page(404)
        if (
            status == 403
            and redirect_loop.COOKIE in self.request.COOKIES
            and cookies.CSRF_PREFIX not in self.own_cookies
            and self.wanted is Representation.PAGE
        ):
            # The browser was at Ory, and Ory's cookie did not reach this site.
            return login_loop_page(self.request, self.state, start_link(self.kind))
        return self._explain_error(status, data)

    def is_finished(self, status: int, data: dict[str, Any]) -> bool:
        """Whether Ory says that this flow was completed, or can say no more about it.

        Ory also says so if the code was right, but another account has the address. Then the flow has an error to show.
        """
        return status in {403, 404, 410} or (data.get("state") == FINISHED and not has_error(data))

    def _explain_error(self, status: int, data: dict[str, Any]) -> HttpResponse:
        error = data.get("error")
        error_id = error.get("id") if isinstance(error, dict) else None
        next_flow_id = data.get("use_flow_id")
        if status == 410 and isinstance(next_flow_id, str):
            return HttpResponseRedirect(self.own_url(next_flow_id))
        if error_id == "session_aal2_required" or status == 422:
            return refusals.require_step_up(self.request, AALRequired())
        if status == 401:  # the settings, after the session has ended, of which the cache may not know yet
            self.state.outcome(fresh=True)
            return refusals.sign_in(self.request)
        if status in {400, 403, 404, 410}:
            return self.flow_gone_page(status, self.return_to(data))
        raise OryUnavailable(f"Ory answered {status} for a flow.", status=status)

    def flow_gone_page(self, status: int, return_to: str = "") -> HttpResponse:
        restart_url = start_link(self.kind, return_to)
        if self.wanted is Representation.JSON:
            body = {"code": "flow_gone", "detail": str(FLOW_GONE), "restart_url": restart_url}
            return representation.respond_json(status, body)
        context = {"flow": self.kind.value, "restart_url": restart_url}
        return representation.render(self.request, status, "flow_gone", **context)

    def own_url(self, flow_id: str) -> str:
        """The URL of this page with this flow."""
        path = escape_leading_slashes(self.request.path)  # "//host/" would name another site
        kept = {name: self.request.GET[name] for name in KEPT_PARAMETERS if name in self.request.GET}
        return f"{path}?{urlencode({'flow': flow_id, **kept})}"

    def read(self, flow_id: str, data: dict[str, Any], **options: Any) -> FlowPage:
        """The JSON of the flow as a page; ``options`` are those of :func:`read_flow`."""
        conf = self.state.conf
        return read_flow(
            data,
            submit_url=self.kind.submit_url(conf, flow_id),
            ory_url=self.request.build_absolute_uri(conf.browser_url),
            kind=self.kind.value,
            links=links_of(self.request, conf, self.kind, data, self.return_to(data)),
            **options,
        )

    def render(self, flow_id: str, data: dict[str, Any]) -> HttpResponse:
        page, return_to = self.read(flow_id, data), self.return_to(data)
        if self.wanted is Representation.JSON:
            return representation.respond_json(200, {"flow": flow_as_json(page, flow_id, return_to)})
        return self.render_page(page, return_to)

    def return_to(self, data: dict[str, Any]) -> str:
        """The URL to return to in the flow, or in Ory's error about it; empty unless this site allows it."""
        error = data.get("error")
        details = error.get("details") if isinstance(error, dict) else None
        url = details.get("return_to") if isinstance(details, dict) else data.get("return_to")
        hosts = self.state.conf.login_redirect_hosts
        return url if isinstance(url, str) and is_allowed(self.request, url, hosts) else ""

    def render_page(self, page: FlowPage, return_to: str) -> HttpResponse:
        name = self.template_name or self.kind.value
        response = representation.render(self.request, 200, name, **self.context(page, return_to))
        if redirect_loop.COOKIE in self.request.COOKIES:
            redirect_loop.clear(response)  # a form is shown, so the browser is not redirected in circles
        return response

    def context(self, page: FlowPage, return_to: str) -> dict[str, Any]:
        return self.get_context_data(
            page=page,
            flow=self.kind.value,
            return_to=return_to,
            restart_url=page.links.restart,
            forms=SimpleLazyObject(lambda: FlowForms(page, self.form_class)),
        )

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """The context of the template. A subclass may add to it."""
        return context


class SignInFlowView(FlowView):
    """A flow at whose end the person is signed in."""

    def explain_if_unusable(self, status: int, data: dict[str, Any]) -> HttpResponse | None:
        """As for other flows; but after "Back", a person who is signed in goes on to where the flow led."""
        if self.is_finished(status, data):
            if isinstance(self.state.outcome(), SignedIn):
                return self.go_on(data)
            if status == 200:
                return self.flow_gone_page(410, self.return_to(data))
        return super().explain_if_unusable(status, data)

    def go_on(self, data: dict[str, Any]) -> HttpResponse:
        """Send a person who is signed in to where this flow leads."""
        default = absolute_url(self.request, resolve_url(settings.LOGIN_REDIRECT_URL))
        return sign_in(self.request, self.state, self.return_to(data) or default)


class LoginView(SignInFlowView):
    """Sign in, use a second factor, or show why neither helps."""

    kind = FlowKind.LOGIN

    def start(self) -> HttpResponse:
        """Start what the query asks for, or whatever is missing.

        Ory has to decide about an OAuth2 login and about signing in again, also for people who are signed in.
        """
        target = find_return_url(self.request, self.state.conf.login_redirect_hosts)
        query = self.start_query
        if "login_challenge" in query or "refresh" in query:
            return self.start_and_return_to(target)
        return sign_in(self.request, self.state, target, query)

    def start_here(self, **parameters: str) -> HttpResponse:
        """As for other flows; but a remembered step-up is shown again, so that Ory does not send another code."""
        query = {**self.start_query, **parameters}
        if query.get("aal") == AAL.AAL2 and "refresh" not in query:
            flow_id = find_step_up(self.request, self.return_target(), query.get("via", ""))
            shown = self._resume(flow_id) if flow_id else None
            if shown is not None:
                return shown
        return super().start_here(**parameters)

    def show(self, flow_id: str) -> HttpResponse:
        """As for other flows; but a remembered step-up that cannot be used is replaced by a new one."""
        if RESUMED not in self.request.GET:
            return super().show(flow_id)
        return self._resume(flow_id) or (self.start() if self.wanted is Representation.PAGE else self.start_here())

    def _resume(self, flow_id: str) -> HttpResponse | None:
        """The remembered step-up, or ``None`` if it cannot be used any more."""
        response = self.fetch(flow_id)
        data = read_object(response)
        if response.status == 200 and data.get("type") == "browser" and data.get("state") in SENT_STATES:
            return self.render(flow_id, data)
        forget_step_up(self.request, flow_id)
        return None

    def render(self, flow_id: str, data: dict[str, Any]) -> HttpResponse:
        """The page. If Ory has sent a code for this step-up, remember the flow."""
        response = super().render(flow_id, data)
        is_step_up = data.get("requested_aal") == AAL.AAL2 and data.get("refresh") is not True
        if is_step_up and data.get("state") in SENT_STATES:
            via = read_start_query(data).get("via", "")
            remember_step_up(self.request, response, flow_id, self.return_to(data), via, _remaining_seconds(data))
        return response

    def read(self, flow_id: str, data: dict[str, Any], **options: Any) -> FlowPage:
        """The flow as a page, which says who has to confirm that it is them.

        If the flow does not say it, the session does, which may cost another call to Ory.
        """
        is_about_session = data.get("refresh") is True or data.get("requested_aal") == AAL.AAL2
        if is_about_session and not names_account(data):
            outcome = self.state.outcome()
            if isinstance(outcome, SignedIn):
                options["identity"] = outcome.session.identity
        return super().read(flow_id, data, **options)

    def render_page(self, page: FlowPage, return_to: str) -> HttpResponse:
        if page.step_up and not page.has_second_factor:
            settings_url = start_link(FlowKind.SETTINGS, return_to)
            context = {**self.context(page, return_to), "settings_url": settings_url}
            return representation.render(self.request, 200, "no_second_factor", **context)
        return super().render_page(page, return_to)


class RegistrationView(SignInFlowView):
    kind = FlowKind.REGISTRATION


class RecoveryView(SignInFlowView):
    kind = FlowKind.RECOVERY

    def go_on(self, data: dict[str, Any]) -> HttpResponse:
        """The next step is a new password."""
        return HttpResponseRedirect(start_link(FlowKind.SETTINGS, self.return_to(data)))


class VerificationView(FlowView):
    kind = FlowKind.VERIFICATION


@method_decorator([sensitive_post_parameters(), csrf_protect], name="dispatch")
@method_decorator(no_impersonation, name="dispatch")  # Ory changes the account that has the session
class SettingsView(FlowView):
    """The settings. A profile that plain form fields cannot carry to Ory is first sent here, by POST."""

    kind = FlowKind.SETTINGS
    traits: Traits | None = None

    def start(self) -> HttpResponse:
        """As for other flows; but without ``?next=`` the browser stays on the page, which says what was saved.

        If a second factor is missing, the browser comes back here after it. Ory would lose this page.
        """
        if isinstance(self.state.outcome(), SecondFactorMissing):
            return refusals.require_step_up(self.request, AALRequired(), self.request.get_full_path())
        if read_requested_url(self.request) is None:
            return self.start_and_return_to("")
        return super().start()

    def return_target(self) -> str:
        return "" if read_requested_url(self.request) is None else super().return_target()

    def fetch(self, flow_id: str) -> Response:
        """The flow; and the identity schema, which says how Ory reads the fields of the profile."""
        own_cookies = self.own_cookies
        return self._call_with_schema(
            lambda client, is_allowed: client.flow(self.kind.value, flow_id, own_cookies, is_allowed)
        )

    def create(self, query: dict[str, str]) -> Response:
        return self._call_with_schema(self.creation_call(query))

    def _call_with_schema(self, call: Call) -> Response:
        schemas: list[object] = []

        def call_for_both(client: Client, is_allowed: Callable[[], bool]) -> Response:
            response = call(client, is_allowed)
            if schema_id := read_schema_id(response.body):
                schemas.append(client.identity_schema(schema_id))
            return response

        response = call_ory(self.request, self.state, call_for_both)
        self.traits = read_traits(response.body, schemas[0] if schemas else None)
        return response

    def read(self, flow_id: str, data: dict[str, Any], **options: Any) -> FlowPage:
        return super().read(flow_id, data, traits=self.traits, merge_url=self.own_url(flow_id), **options)

    def post(self, request: HttpRequest) -> HttpResponse:
        """Send the whole profile on to Ory, from the browser: the stored traits with what was changed."""
        flow_id = request.GET.get("flow", "")
        response = self.fetch(flow_id)
        data = read_object(response)
        if explanation := self.explain_if_unusable(response.status, data):
            return explanation
        if self.traits is None or not self.traits.can_be_edited:
            return self.render(flow_id, data)
        submit_url = self.kind.submit_url(self.state.conf, flow_id)
        csrf_token = read_csrf_token(data)
        traits = write_exact(self.traits.merge(dict(request.POST.lists())))
        if self.wanted is Representation.JSON:
            fields = {"csrf_token": csrf_token, "method": "profile", "traits": traits}
            return representation.respond_json(200, {"submit": {"action": submit_url, "fields": fields}})
        context = {"submit_url": submit_url, "csrf_token_of_ory": csrf_token, "traits": traits}
        return representation.render(request, 200, "settings_save", **context)


def _remaining_seconds(flow: dict[str, Any]) -> int:
    """How long Ory still accepts this flow; 0 if it does not say."""
    try:
        expires_at = datetime.fromisoformat(str(flow.get("expires_at")))
        return max(0, math.floor((expires_at - datetime.now(UTC)).total_seconds()))
    except (ValueError, TypeError):
        return 0
