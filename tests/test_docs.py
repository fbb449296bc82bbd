"""What the documents say is so: settings, events and the tests that they name."""

import re
from pathlib import Path

import pytest

from ory_auth.conf import KEYS
from ory_auth.events import Event

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"


def rows(name: str) -> list[list[str]]:
    lines = (DOCS / name).read_text().splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]


def test_the_table_of_settings_is_the_one_in_the_code() -> None:
    documented = [found[1] for row in rows("settings.md") if (found := re.match(r"\|? ?`([A-Z_]+)`", row[0]))]
    assert documented == list(KEYS)


@pytest.mark.parametrize("name", ["contributing/threats.md", "contributing/security-notices.md"])
def test_every_test_that_a_document_names_is_there(name: str) -> None:
    tests = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", (DOCS / name).read_text())
    assert [test for test in named if f"def {test}(" not in tests] == []


def test_every_event_that_the_threats_name_is_one() -> None:
    named = {word for row in rows("contributing/threats.md")[1:] for word in re.findall(r"`(\w+)`", row[2])}
    assert named <= {event.value for event in Event}


def test_every_security_notice_has_a_test_or_a_reason() -> None:
    notices = [row for row in rows("contributing/security-notices.md") if row[0] != "date"]
    assert len(notices) >= 25
    for date, project, notice, mistake, here in notices:
        assert re.fullmatch(r"20\d\d-\d\d-\d\d|–", date), date
        assert all([project, notice, mistake, here])
    dates = [row[0] for row in notices if "-" in row[0]]
    assert dates == sorted(dates, reverse=True)


def test_every_link_between_the_documents_leads_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name} → {target}"


@pytest.mark.parametrize(
    "name", ["CONTRIBUTING.md", "docs/contributing/where-new-things-go.md", "docs/contributing/libraries.md"]
)
def test_every_file_that_a_page_for_contributors_names_exists(name: str) -> None:
    named = re.findall(r"`([\w./*-]+(?:/|\.py|\.md|\.json))`", (ROOT / name).read_text())
    folders = [ROOT, ROOT / "ory_auth", ROOT / "ory_auth/ory_check/rules", ROOT / "ory_auth/pages"]
    assert {path for path in named if not any(list(folder.glob(path)) for folder in folders)} == set()
