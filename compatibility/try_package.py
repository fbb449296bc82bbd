"""``python -m compatibility.try_package NAME``: try one package in this process; prints one line of JSON."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from compatibility import general
from compatibility.catalogue import PACKAGES
from compatibility.package import OWN, Package, Probe, Unexpected
from compatibility.project import settings_of
from compatibility.services import service
from compatibility.visit import Visit, Watch
from stress.ory import Ory, ory
from stress.processes import free_port, private_directory


def main() -> None:
    package = next(each for each in PACKAGES if each.name == sys.argv[1])
    started = time.monotonic()
    problems = problems_of(package)
    row = {
        "versions": versions(package),
        "problems": problems,
        "seconds": round(time.monotonic() - started, 1),
    }
    print(json.dumps(row), file=sys.__stdout__, flush=True)
    # Threads of a package may still run.
    os._exit(0)


def versions(package: Package) -> dict[str, str]:
    found = {}
    for requirement in package.requirements:
        name = requirement.partition("[")[0]
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found


def problems_of(package: Package) -> list[str]:
    """What was not as expected. A line about the package's own probe begins with OWN."""
    sys.stdout = sys.stderr  # what a package prints is not the result
    warnings.simplefilter("error")
    warnings.filterwarnings("ignore", "unclosed database", ResourceWarning)
    for message in package.warnings:
        warnings.filterwarnings("ignore", message)
    watch = Watch()
    with ExitStack() as stack:
        identities = stack.enter_context(ory())
        directory = stack.enter_context(private_directory())
        urls = {name: stack.enter_context(service(name)) for name in package.needs}
        try:
            set_up(package, identities, directory, urls, watch)
            sites = {kind: stack.enter_context(serve(kind, package)) for kind in package.kinds}
            visits = [Visit(kind, site, identities) for kind, site in sites.items()]
        except Exception as error:
            return [f"starting: {describe(error)}"]
        problems = []
        for visit in visits:
            problems += attempt("signed in", general.signed_in, visit, watch)
            problems += attempt("anonymous", general.anonymous, visit, watch)
            problems += attempt(OWN, package.probe, visit, watch)
        identities.stop()
        for visit in visits:
            problems += attempt("outage", general.outage, visit, watch)
            problems += attempt(f"{OWN}, outage", package.outage, visit, watch)
    return problems


def set_up(package: Package, identities: Ory, directory: Path, urls: dict[str, str], watch: Watch) -> None:
    from django.conf import settings

    settings.configure(
        **settings_of(
            [package],
            public_url=identities.public_url,
            admin_url=identities.admin_url,
            directory=directory,
            urls=urls,
        )
    )
    import django
    from django.core.management import call_command

    django.setup()
    watch.connect()
    call_command("check", fail_level="WARNING")
    if "postgresql" not in package.needs:
        call_command("migrate", run_syncdb=True, verbosity=0)
    if package.start:
        package.start()


def attempt(name: str, probe: Probe | None, visit: Visit, watch: Watch) -> list[str]:
    if probe is None:
        return []
    place = f"{name}, {visit.kind}"
    try:
        with watch.during() as visit.noticed:
            probe(visit)
    except Exception as error:
        return [f"{place}: {describe(error)}", *(f"{place}: {each}" for each in visit.noticed.troubles()[:3])]
    return []


def describe(error: Exception) -> str:
    if isinstance(error, Unexpected):
        return str(error)
    traceback.print_exception(error)
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {str(error)[:400]} ({Path(last.filename).name}:{last.lineno})"


# ---- the site, served by threads of this process


@contextmanager
def serve(kind: str, package: Package) -> Iterator[str]:
    with _wsgi() if kind == "wsgi" else _asgi(package) as site:
        yield site


@contextmanager
def _wsgi() -> Iterator[str]:
    from django.contrib.staticfiles.handlers import StaticFilesHandler
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application

    class Quiet(WSGIRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            """A line for each request helps nobody here."""

    server = ThreadedWSGIServer(("127.0.0.1", 0), Quiet)
    server.daemon_threads, server.block_on_close = True, False
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = threading.Thread(target=server.serve_forever, name="wsgi", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@contextmanager
def _asgi(package: Package) -> Iterator[str]:
    import uvicorn
    from django.core.asgi import get_asgi_application

    application: Any = get_asgi_application()
    if package.asgi:
        application = package.asgi(application)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            port=port,
            lifespan="off",
            log_config=None,
            access_log=False,
            ws="wsproto" if package.asgi else "none",
        )
    )
    thread = threading.Thread(target=server.run, name="asgi", daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise Unexpected("uvicorn does not start")
        time.sleep(0.01)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


if __name__ == "__main__":
    main()
