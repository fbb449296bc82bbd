"""What the threads of a process share. Races are held open, or repeated with a switch of threads at every chance."""

from __future__ import annotations

import ast
import logging
import re
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cachetools import TTLCache
from django.test import Client
from pytest_django import Settings

import ory_auth
from ory_auth.conf import Conf, conf
from ory_auth.ory import admin_api
from ory_auth.sessions.cache.local_cache import MAX_CREDENTIALS, LocalCache
from ory_auth.sessions.services import Services, services_of
from ory_auth.users import row_cache
from ory_auth.users.row_cache import UserRowCache
from tests.support.ory import Ory
from tests.support.types import ChangeSettings

PACKAGE = Path(ory_auth.__file__).parent
DOCUMENT = Path(__file__).parent.parent / "docs" / "contributing" / "threads.md"
SESSION = uuid.uuid4().bytes


@contextmanager
def threads(number: int, action: Callable[[], Any]) -> Iterator[list[Future[Any]]]:
    """So many threads that do the same; their results are there after the block."""
    with ThreadPoolExecutor(number) as pool:
        results = [pool.submit(action) for _ in range(number)]
        yield results
    for result in results:
        result.result()


@pytest.fixture
def switching() -> Iterator[None]:
    """The interpreter changes threads as often as it can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


# --- what one process remembers


def test_a_credential_seen_by_many_threads_at_once_counts_once() -> None:
    memory = LocalCache(0)
    memory._lock.acquire()
    with threads(MAX_CREDENTIALS + 8, lambda: memory.add_known("0" * 40, SESSION)) as seen:
        wait(seen, timeout=0.2)  # each has looked by now whether the credential is known, and waits for its turn
        memory._lock.release()
    assert sum(result.result() for result in seen) == 1
    assert memory.is_known("0" * 40)
    assert not memory.has_many_credentials(SESSION)


def test_a_session_refused_meanwhile_never_has_many_credentials(switching: None) -> None:
    memory = LocalCache(0)
    stop = time.monotonic() + 1

    def change() -> None:
        while time.monotonic() < stop:
            memory.add_known("0" * 40, SESSION)
            memory.record_refusal("0" * 40, SESSION, 0.0)

    def look() -> None:
        while time.monotonic() < stop:
            assert not memory.has_many_credentials(SESSION)

    with threads(1, change), threads(2, look):
        pass


@pytest.mark.django_db(transaction=True)
def test_concurrent_first_requests_leave_a_known_credential(
    ory: Ory, ory_auth: ChangeSettings, settings: Settings
) -> None:
    ory_auth(SESSION_CACHE_SECONDS=60)
    headers = ory.person().app_session().headers
    assert Client().get("/session", headers=headers).status_code == 200
    process = services_of(conf())
    process.cache.local = memory = LocalCache(0)  # of another process, which finds the session in the cache
    responses = []
    memory._lock.acquire()
    with threads(2 * MAX_CREDENTIALS, lambda: responses.append(Client().get("/session", headers=headers))) as asked:
        wait(asked, timeout=0.5)
        memory._lock.release()
    assert {response.status_code for response in responses} == {200}
    assert len(memory._known) == 1
    assert max(number for number, _ in memory._credentials.values()) == 1


# --- one request that is slow


def test_a_slow_log_handler_of_one_request_does_not_hold_up_others(ory: Ory) -> None:
    """The event about a malformed credential is logged while the credential is read."""
    reached, finished = threading.Event(), threading.Event()
    released: list[bool] = []

    class Slow(logging.Handler):
        def handle(self, record: logging.LogRecord) -> bool:  # not emit(), which holds the handler's lock
            reached.set()
            released.append(finished.wait(5))
            return True

    handler = Slow()
    logging.getLogger("ory_auth").addHandler(handler)
    try:
        with ThreadPoolExecutor(1) as pool:
            slow = pool.submit(Client().get, "/session", headers={"X-Session-Token": "\x80"})
            assert reached.wait(5)
            assert Client().get("/session").status_code == 200
            finished.set()
            assert slow.result().status_code == 200
    finally:
        finished.set()
        logging.getLogger("ory_auth").removeHandler(handler)
    assert released == [True]


# --- one object of a kind


class SlowSettings(dict[str, Any]):
    """Settings that take a while to read, as long ones do."""

    def items(self) -> Any:
        time.sleep(0.05)
        return super().items()


def test_threads_that_read_new_settings_at_once_share_one_object(ory: Ory, settings: Settings) -> None:
    settings.ORY_AUTH = SlowSettings({**settings.ORY_AUTH, "TIMEOUT": 2.25})
    with threads(8, conf) as read:
        pass
    [shared] = {id(result.result()): result.result() for result in read}.values()
    assert isinstance(shared, Conf)


def test_concurrent_threads_share_one_set_of_services(ory: Ory, settings: Settings) -> None:
    settings.ORY_AUTH = SlowSettings({**settings.ORY_AUTH, "TIMEOUT": 2.75})
    with threads(8, lambda: services_of(conf())) as made:
        pass
    [shared] = {id(result.result()): result.result() for result in made}.values()
    assert isinstance(shared, Services)


def test_concurrent_threads_share_the_row_cache(switching: None) -> None:
    for _ in range(100):
        row_cache.reset()
        barrier = threading.Barrier(4)

        def begin(barrier: threading.Barrier = barrier) -> UserRowCache:
            barrier.wait()
            return row_cache.process_row_cache(5)

        with threads(4, begin) as made:
            pass
        assert len({id(result.result()) for result in made}) == 1


# --- what ends between two looks


def test_a_cached_result_that_expires_while_it_is_read_is_a_miss(
    ory: Ory, ory_auth: ChangeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter(range(10**6))
    person = ory.person("ada@example.org")
    monkeypatch.setattr(admin_api, "_results", TTLCache(10, 1.5, timer=lambda: next(seconds)))
    for _ in range(3):
        assert admin_api.last_change_if_without_address("bob@example.org", uuid.UUID(person.id), conf())


# --- without forks


def test_the_package_works_where_processes_cannot_be_forked() -> None:
    without_fork = "import os; del os.fork, os.register_at_fork"  # as on Windows
    script = f"{without_fork}; import django; django.setup(); import ory_auth.testing, ory_auth.pages.views"
    subprocess.run([sys.executable, "-c", script], check=True)


# --- the document

SHARES = {
    "Lock", "RLock", "Condition", "Semaphore", "BoundedSemaphore", "Event", "local",
    "lru_cache", "cache", "TTLCache", "LRUCache", "deque", "ContextVar", "ThreadPoolExecutor",
}  # fmt: skip


def has_shared_state(source: str) -> bool:
    """Whether a module changes its globals, or makes something that threads share."""
    tree = ast.parse(source)
    made = {
        getattr(node.func, "attr", getattr(node.func, "id", ""))
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
    }
    decorators = {
        getattr(name, "attr", getattr(name, "id", ""))
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        for name in node.decorator_list
    }
    empty = any(
        isinstance(node, (ast.Assign, ast.AnnAssign))
        and (
            (isinstance(node.value, ast.Dict) and not node.value.keys)
            or (isinstance(node.value, ast.List) and not node.value.elts)
            or (
                isinstance(node.value, ast.Call)
                and getattr(node.value.func, "id", "") in {"set", "dict", "list"}
                and not node.value.args
            )
        )
        for node in tree.body
    )
    return empty or bool(SHARES & (made | decorators)) or any(isinstance(node, ast.Global) for node in ast.walk(tree))


def test_the_document_names_every_module_with_shared_state() -> None:
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] not in {"local", "testing", "management", "ory_check"}
        and has_shared_state(path.read_text())
    }
    documented = re.findall(r"^\| `([\w/]+\.py)` \|", DOCUMENT.read_text(), re.MULTILINE)
    assert set(documented) == found
