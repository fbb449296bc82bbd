"""All neighbours, in the order of the table."""

from trials.neighbours.neighbour import Neighbour
from trials.neighbours.packages import admin, apis, pages, people, records, stores, together

NEIGHBOURS: tuple[Neighbour, ...] = (
    admin.WAGTAIL,
    admin.UNFOLD,
    admin.TOOLBAR,
    people.GUARDIAN,
    people.AXES,
    people.OTP,
    people.IMPERSONATE,
    people.HIJACK,
    people.WAFFLE,
    records.HISTORY,
    records.AUDITLOG,
    records.REVERSION,
    records.STRUCTLOG,
    records.SENTRY,
    records.OPENTELEMETRY,
    apis.SPECTACULAR,
    apis.DJ_REST_AUTH,
    apis.SIMPLEJWT,
    apis.NINJA,
    apis.CHANNELS,
    apis.STRAWBERRY,
    pages.HTMX,
    pages.DJANGO_CSP,
    pages.CSP,
    pages.WHITENOISE,
    pages.CORS,
    stores.TENANTS,
    stores.DJANGO_REDIS,
    stores.PYMEMCACHE,
    stores.CELERY_NEIGHBOUR,
    together.TOGETHER,
)
