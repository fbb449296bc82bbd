"""Whether Ory's web hooks arrive: what has arrived, and whether this site lets calls through to the view."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from django.conf import settings
from django.db.models import Max
from django.urls import NoReverseMatch, reverse

from ...conf import Conf, configured_keys
from ...models import OryWebhookCall
from ...ory.addresses import Origin
from ...users.database import stored_time, writing_alias
from ..facts.http_result import HttpResult
from ..facts.model import WebhookCalls
from .this_site import get_from_this_site


def probe_webhooks() -> WebhookCalls | None:
    """``None`` if web hooks are off, or if the database does not answer, which another line says."""
    if "WEBHOOK_SECRETS" not in configured_keys():
        return None
    started, using = time.perf_counter(), writing_alias()
    try:
        rows = OryWebhookCall.objects.using(using).order_by().values_list("kind").annotate(at=Max("received_at"))
        found = list(rows.order_by("-at"))
    except Exception:  # of any driver
        return None
    now = stored_time(datetime.now(UTC), using)
    ages = tuple((kind, (now - at).total_seconds()) for kind, at in found)
    return WebhookCalls(ages, time.perf_counter() - started)


def probe_webhook_view(conf: Conf, sites: tuple[Origin, ...]) -> HttpResult:
    """A GET of the view, which answers 405 to it."""
    if not conf.webhook_secrets or not sites or not getattr(settings, "ROOT_URLCONF", None):
        return HttpResult()
    try:
        return get_from_this_site(reverse("ory_auth:webhook"), sites[0])
    except NoReverseMatch:
        return HttpResult(problem="its URL is not included")
