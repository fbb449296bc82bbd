"""Databases, caches and queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compatibility.package import Package, Verdict, expect, expect_that
from compatibility.visit import Visit, Visitor

# ---- caches


def use_django_redis(settings: dict[str, Any]) -> None:
    settings["CACHES"] = {
        "default": {
            "BACKEND": "django_redis.cache.RedisCache",
            "LOCATION": settings["PACKAGE_URLS"]["redis"],
            "OPTIONS": {"SOCKET_TIMEOUT": 1, "SOCKET_CONNECT_TIMEOUT": 1},
        }
    }


def _use_pymemcache(settings: dict[str, Any]) -> None:
    settings["CACHES"] = {
        "default": {
            "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
            "LOCATION": settings["PACKAGE_URLS"]["memcached"],
            "OPTIONS": {"timeout": 1, "connect_timeout": 1},
        }
    }


def cached(visit: Visit) -> None:
    """A session is in the cache, and a sign-out takes it away."""
    events = {record.getMessage() for record in visit.noticed.records if record.name.startswith("ory_auth")}
    expect(events, set(), "events of this package")
    visitor = visit.new_visitor()
    visitor.get("/who")
    visit.ory.freeze()
    try:
        expect(visitor.get("/who").json["email"], visitor.email, "a cached session")
    finally:
        visit.ory.thaw()
    expect(visitor.post("/auth/logout").status, 302, "sign-out")
    again = Visitor(visit.site, visitor.session)
    expect(again.get("/who").json["user"], None, "the old cookie after the sign-out")


DJANGO_REDIS = Package(
    "django-redis",
    "With its default serializer.",
    change=use_django_redis,
    needs=("redis",),
    probe=cached,
)


def _use_json(settings: dict[str, Any]) -> None:
    use_django_redis(settings)
    settings["CACHES"]["default"]["OPTIONS"]["SERIALIZER"] = "django_redis.serializers.json.JSONSerializer"


DJANGO_REDIS_JSON = Package(
    "django-redis, JSONSerializer",
    "It can't store bytes, so nothing is cached; `check --deploy` and `ory_check` say so. Use the default "
    "serializer for the alias that `SESSION_CACHE` names.",
    Verdict.FAILS,
    install=("django-redis",),
    change=_use_json,
    needs=("redis",),
    probe=cached,
)

PYMEMCACHE = Package(
    "pymemcache", "As `PyMemcacheCache` of Django.", change=_use_pymemcache, needs=("memcached",), probe=cached
)


# ---- django-tenants


def _tenants(settings: dict[str, Any]) -> None:
    host, _, port = settings["PACKAGE_URLS"]["postgresql"].partition(":")
    shared = ["django_tenants", "compatibility.tenants", "django.contrib.contenttypes"]
    settings["TENANT_APPS"] = [app for app in settings["INSTALLED_APPS"] if app not in shared[:2]]
    settings["SHARED_APPS"] = shared
    settings["INSTALLED_APPS"] = [*shared, *(app for app in settings["TENANT_APPS"] if app not in shared)]
    settings["DATABASES"] = {
        "default": {
            "ENGINE": "django_tenants.postgresql_backend",
            "HOST": host,
            "PORT": port,
            "USER": "site",
            "NAME": "site",
        }
    }
    settings["DATABASE_ROUTERS"] = ["django_tenants.routers.TenantSyncRouter"]
    settings["TENANT_MODEL"], settings["TENANT_DOMAIN_MODEL"] = "tenants.Client", "tenants.Domain"


def _start_tenants() -> None:
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django_tenants.utils import schema_context

    from compatibility.tenants.models import Client, Domain

    call_command("migrate_schemas", shared=True, run_syncdb=True, verbosity=0)
    for number, host in enumerate(("127.0.0.1", "localhost")):
        client = Client(schema_name=f"tenant{number}", name=host)
        client.save(verbosity=0)
        Domain.objects.create(domain=host, tenant=client, is_primary=True)
        call_command("migrate_schemas", schema_name=client.schema_name, run_syncdb=True, verbosity=0)
        with schema_context(client.schema_name):
            for other in range(number * 7):  # so that the same person has another primary key there
                get_user_model().objects.create_user(f"other-{other}")


def _each_tenant_has_users_of_its_own(visit: Visit) -> None:
    from django.contrib.auth import get_user_model
    from django_tenants.utils import schema_context

    other = visit.site.replace("127.0.0.1", "localhost")
    for visitor in (visit.ada, visit.bob):
        there = Visitor(other, visitor.session)
        for _ in range(2):
            for who, schema in ((visitor, "tenant0"), (there, "tenant1")):
                found = who.get("/who").json
                expect(found["email"], visitor.email, f"who is seen in {schema}")
                with schema_context(schema):
                    user = get_user_model().objects.get(email=visitor.email)
                expect(found["user"], user.pk, f"the user's key in {schema}")
    reply = Visitor(other, visit.ada.session).get("/guarded")
    expect((reply.status, reply.json["email"]), (200, visit.ada.email), "a guarded page of another tenant")


TENANTS = Package(
    "django-tenants",
    "With `ory_auth` and the user model in `TENANT_APPS`, each tenant has its own users, created on their first visit.",
    install=("django-tenants", "psycopg[binary]"),
    apps=("django_tenants", "compatibility.tenants"),
    outermost=("django_tenants.middleware.main.TenantMainMiddleware",),
    change=_tenants,
    start=_start_tenants,
    needs=("postgresql",),
    probe=_each_tenant_has_users_of_its_own,
)


# ---- Celery

CELERY: Any = None
WORKER: Any = None


def _celery_urls() -> Sequence[Any]:
    from django.http import JsonResponse
    from django.urls import path

    def by_key(request: Any) -> JsonResponse:
        """As the documents say: plain values go to the task."""
        session = request.ory_session
        values = (request.user.pk, str(session.identity.id), session.expires_at.isoformat(), session.aal)
        return JsonResponse({"email": CELERY.tasks["greet"].delay(*values).get(timeout=10)})

    def by_user(request: Any) -> JsonResponse:
        """A mistake: the user itself goes to the task."""
        try:
            CELERY.tasks["greet"].delay(request.user)
        except Exception as error:
            return JsonResponse({"error": f"{type(error).__name__}: {error}"})
        return JsonResponse({"error": ""})

    return [path("task", by_key), path("task-by-user", by_user)]


def _start_celery() -> None:
    global CELERY, WORKER
    from celery import Celery
    from celery.contrib.testing.worker import start_worker

    CELERY = Celery("site", broker="memory://", backend="cache+memory://")
    CELERY.conf.worker_hijack_root_logger = False

    @CELERY.task(name="greet")
    def greet(user: Any, identity: str = "", expires_at: str = "", aal: str = "") -> str:
        from django.contrib.auth import get_user_model

        return str(get_user_model().objects.get(pk=user).email)

    WORKER = start_worker(CELERY, perform_ping_check=False, pool="solo")
    WORKER.__enter__()  # ends with this process


def _celery(visit: Visit) -> None:
    for visitor in (visit.ada, visit.bob):
        expect(visitor.get("/task").json["email"], visitor.email, "a task that got the user's key")
    error = visit.ada.get("/task-by-user").json["error"]
    expect_that("not JSON serializable" in error, f"a task that got request.user: {error or 'no error'}")


CELERY_PACKAGE = Package(
    "celery",
    "Pass `request.user.pk` to tasks. With `request.user` itself, `delay()` raises Celery's error.",
    urls=_celery_urls,
    start=_start_celery,
    probe=_celery,
)
