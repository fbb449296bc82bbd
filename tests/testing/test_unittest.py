"""The mixin for Django's own test runner."""

from __future__ import annotations

from urllib.request import Request, urlopen

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.test import LiveServerTestCase, TestCase, TransactionTestCase

from ory_auth.testing import OryTestMixin

from .sample import Sample

CASE = """
import os

from django.conf import settings
from django.test import TestCase

from ory_auth.testing import OryTestMixin


class OrderTests{number}(OryTestMixin, TestCase):
    def test_orders(self):
        self.ory_login(self.client, email="ada@example.org")
        self.assertContains(self.client.get("/orders"), "Orders of ada@example.org")

    async def test_async_orders(self):
        self.ory_login(self.async_client, email="ada@example.org")
        self.assertContains(await self.async_client.get("/aorders"), "Orders of ada@example.org")

    def test_where(self):
        self.assertEqual(settings.ORY_AUTH["SDK_URL"], self.ory.public_url)
        with open("seen", "a") as seen:
            seen.write(f"{{os.getpid()}} {{self.ory.public_url}}\\n")
"""


class Guarded(OryTestMixin, TestCase):
    def test_people_sign_in(self) -> None:
        signed_in = self.ory_login(self.client)
        self.assertEqual(self.client.get("/guarded").json()["user"], str(signed_in.identity_id))

    def test_the_user_exists_before_the_first_request(self) -> None:
        person = self.ory.person("ada@example.org")
        self.assertEqual(person.user.email, "ada@example.org")

    async def test_async_clients_sign_in(self) -> None:
        signed_in = self.ory_login(self.async_client)
        answer = await self.async_client.get("/aguarded")
        self.assertEqual(answer.json()["user"], str(signed_in.identity_id))

    def test_an_outage_is_503(self) -> None:
        self.ory_login(self.client)
        with self.ory.failing():
            self.assertEqual(self.client.get("/guarded").status_code, 503)

    def test_each_test_starts_without_people(self) -> None:
        self.assertEqual((self.ory.calls, self.ory.local.state.identities), ([], {}))

    def test_settings_can_be_changed_in_a_test(self) -> None:
        with self.settings(ORY_AUTH={**settings.ORY_AUTH, "TIMEOUT": "soon"}):
            self.ory_login(self.client)
            with self.assertRaises(ImproperlyConfigured):
                self.client.get("/guarded")
        self.assertEqual(self.client.get("/guarded").status_code, 200)


class Committed(OryTestMixin, TransactionTestCase):
    def test_people_sign_in(self) -> None:
        self.ory_login(self.client)
        self.assertEqual(self.client.get("/guarded").status_code, 200)


class Live(OryTestMixin, LiveServerTestCase):
    def test_people_sign_in(self) -> None:
        signed_in = self.ory.person().sign_in()
        request = Request(f"{self.live_server_url}/guarded", headers={"Cookie": signed_in.cookie})
        with urlopen(request, timeout=10) as answer:
            self.assertIn(str(signed_in.identity_id), answer.read().decode())


class Afterwards(TestCase):
    def test_settings_are_restored(self) -> None:
        self.assertEqual(settings.ORY_AUTH, {"SDK_URL": "http://127.0.0.1:1"})


def test_djangos_runner_runs_it_in_several_processes(sample: Sample) -> None:
    for number in (1, 2):
        sample.write(f"shop/test_orders{number}.py", CASE.format(number=number))
    result = sample.manage("test", "shop", "--parallel", "2")
    assert "Ran 6 tests" in result.output, result
    assert result.code == 0, result
    seen = dict(line.split() for line in (sample.path / "seen").read_text().splitlines())
    assert len(seen) == len(set(seen.values())) == 2, seen
