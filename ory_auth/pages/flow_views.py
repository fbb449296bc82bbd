"""The pages of Ory's self-service flows: start a flow at Ory, and show it when Ory sends the browser back.

Follows https://www.ory.com/docs/kratos/bring-your-own-ui/custom-ui-overview. To add a page for another flow, add a
subclass of :class:`FlowView` and its template.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import escape_leading_slashes, urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import View

from ..exceptions import AALRequired, OryUnavailable
from ..ory import cookies
from ..ory.client import Client, read_object
from ..ory.flows import FlowKind
from ..ory.http_client import Response
from ..request.state import RequestState, state_of
from ..responses import redirect_loop, refusals
from ..responses.return_url import find_return_url, is_allowed, read_requested_url
from .ory_calls import call_ory, find_outage_in_debug
from .sign_in import login_loop_page, mark_as_sent, sign_in
from .ui import FlowPage, Traits, read_csrf_token, read_flow, read_schema_id, read_traits, write_exact


@method_decorator(never_cache, name="dispatch")
class FlowView(View):
    """One self-service flow: without ``?flow=`` it starts at Ory, with it the page shows the flow."""

    kind: ClassVar[FlowKind]
    state: RequestState

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        self.state = state_of(request)
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        flow_id = request.GET.get("flow")
        if flow_id is not None:
            return self.show(flow_id)
        outage = find_outage_in_debug(request, self.state)
        return refusals.unavailable(request, outage) if outage else self.start()

    def start(self) -> HttpResponse:
        """Send the browser to Ory, which sends it back to ``?next=`` (or ``?return_to=``)."""
        return self.start_and_return_to(find_return_url(self.request, self.state.conf.login_redirect_hosts))

    def start_and_return_to(self, target: str) -> HttpResponse:
        """Send the browser to Ory, and then to ``target``. If that is empty, the browser stays on the page."""
        url = self.kind.start_url(self.state.conf, target)
        return mark_as_sent(self.request, target, refusals.open_in_browser(self.request, url))

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
            return None if data.get("type") == "browser" else self._flow_gone_page(404)
        if (
            status == 403
            and redirect_loop.COOKIE in self.request.COOKIES
            and cookies.CSRF_PREFIX not in self.own_cookies
        ):
            # The browser was at Ory, and Ory's cookie did not reach this site.
            return login_loop_page(self.request, self.state, self.restart_url())
        return self._explain_error(status, data)

    def _explain_error(self, status: int, data: dict[str, Any]) -> HttpResponse:
        error = data.get("error")
        error_id = error.get("id") if isinstance(error, dict) else None
        next_flow_id = data.get("use_flow_id")
        if status == 410 and isinstance(next_flow_id, str):
            return HttpResponseRedirect(self.own_url(next_flow_id))
        if error_id == "session_aal2_required" or status == 422:
            return refusals.require_step_up(self.request, AALRequired())
        if status == 401:  # the settings, after the session has ended
            return refusals.sign_in(self.request)
        if status in {400, 403, 404, 410}:
            return self._flow_gone_page(status)
        raise OryUnavailable(f"Ory answered {status} for a flow.", status=status)

    def _flow_gone_page(self, status: int) -> HttpResponse:
        context = {"flow": self.kind.value, "restart_url": self.restart_url()}
        return refusals.render_page(self.request, status, "flow_gone", **context)

    def own_url(self, flow_id: str) -> str:
        """The URL of this page with this flow."""
        path = escape_leading_slashes(self.request.path)  # "//host/" would name another site
        return f"{path}?{urlencode({'flow': flow_id})}"

    def restart_url(self, return_to: str = "") -> str:
        """The URL that starts the flow again."""
        return _with_return_to(reverse(self.kind.url_name), return_to)

    def read(self, flow_id: str, data: dict[str, Any], **options: Any) -> FlowPage:
        """The JSON of the flow as a page; ``options`` are those of :func:`read_flow`."""
        conf = self.state.conf
        return read_flow(data, submit_url=self.kind.submit_url(conf, flow_id), ory_url=conf.browser_url, **options)

    def render(self, flow_id: str, data: dict[str, Any]) -> HttpResponse:
        return self.render_page(self.read(flow_id, data), self._return_to(data))

    def _return_to(self, data: dict[str, Any]) -> str:
        """The URL in the flow to return to, if this site allows it, or an empty string."""
        url = data.get("return_to")
        hosts = self.state.conf.login_redirect_hosts
        return url if isinstance(url, str) and is_allowed(self.request, url, hosts) else ""

    def render_page(self, page: FlowPage, return_to: str) -> HttpResponse:
        response = refusals.render_page(self.request, 200, self.kind.value, **self.context(page, return_to))
        if redirect_loop.COOKIE in self.request.COOKIES:
            redirect_loop.clear(response)  # a form is shown, so the browser is not redirected in circles
        return response

    def context(self, page: FlowPage, return_to: str) -> dict[str, Any]:
        restart_url = self.restart_url(return_to)
        return {"page": page, "flow": self.kind.value, "return_to": return_to, "restart_url": restart_url}


class LoginView(FlowView):
    """Sign in, use a second factor, or show why neither helps."""

    kind = FlowKind.LOGIN

    def start(self) -> HttpResponse:
        target = find_return_url(self.request, self.state.conf.login_redirect_hosts)
        return sign_in(self.request, self.state, target)

    def render_page(self, page: FlowPage, return_to: str) -> HttpResponse:
        if page.step_up and not page.has_second_factor:
            settings_url = _with_return_to(reverse(FlowKind.SETTINGS.url_name), return_to)
            context = {**self.context(page, return_to), "settings_url": settings_url}
            return refusals.render_page(self.request, 200, "no_second_factor", **context)
        return super().render_page(page, return_to)


class RegistrationView(FlowView):
    kind = FlowKind.REGISTRATION


class RecoveryView(FlowView):
    kind = FlowKind.RECOVERY


class VerificationView(FlowView):
    kind = FlowKind.VERIFICATION


@method_decorator([sensitive_post_parameters(), csrf_protect], name="dispatch")
class SettingsView(FlowView):
    """The settings. A profile that plain form fields cannot carry to Ory is first sent here, by POST."""

    kind = FlowKind.SETTINGS
    traits: Traits | None = None

    def start(self) -> HttpResponse:
        """As for other flows; but without ``?next=`` the browser stays on the page, which says what was saved."""
        if read_requested_url(self.request) is None:
            return self.start_and_return_to("")
        return super().start()

    def fetch(self, flow_id: str) -> Response:
        """The flow; and the identity schema, which says how Ory reads the fields of the profile."""
        own_cookies = self.own_cookies
        schemas: list[object] = []

        def fetch_flow_and_schema(client: Client, is_allowed: Callable[[], bool]) -> Response:
            response = client.flow(self.kind.value, flow_id, own_cookies, is_allowed)
            if schema_id := read_schema_id(response.body):
                schemas.append(client.identity_schema(schema_id))
            return response

        response = call_ory(self.request, self.state, fetch_flow_and_schema)
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
        return refusals.render_page(
            request,
            200,
            "settings_save",
            submit_url=self.kind.submit_url(self.state.conf, flow_id),
            csrf_token_of_ory=read_csrf_token(data),
            traits=write_exact(self.traits.merge(dict(request.POST.lists()))),
        )


def _with_return_to(url: str, return_to: str) -> str:
    return f"{url}?{urlencode({'return_to': return_to})}" if return_to else url
