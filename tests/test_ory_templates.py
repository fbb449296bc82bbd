"""``manage.py ory_templates``: copies of templates in a project, and what has changed since."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from ory_auth.management import template_copies
from ory_auth.management.merge import merge

OLD = "{% extends base %}\none\ntwo\nthree\nfour\nfive\n"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for the templates of this package, which a test can change as a new version would."""
    folder = tmp_path / "package"
    (folder / "nodes").mkdir(parents=True)
    (folder / "login.html").write_text(OLD)
    (folder / "nodes" / "field.html").write_text("<input>\n")
    monkeypatch.setattr(template_copies, "PACKAGE", folder)
    return folder


@pytest.fixture
def project(tmp_path: Path, settings: Settings) -> Path:
    """A template folder of the project."""
    folder = tmp_path / "templates"
    folder.mkdir()
    settings.TEMPLATES = [{**settings.TEMPLATES[0], "DIRS": [str(folder)]}]
    return folder


def run(*arguments: object) -> str:
    out = StringIO()
    call_command("ory_templates", *map(str, arguments), stdout=out, stderr=out, no_color=True)
    return out.getvalue()


@pytest.mark.parametrize("name", ["login", "login.html", "ory_auth/login.html"])
def test_a_copy_has_the_text_below_a_comment_with_its_version(package: Path, project: Path, name: str) -> None:
    assert "is yours to change" in run(project, name)
    first, rest = (project / "ory_auth" / "login.html").read_text().split("\n", 1)
    assert first.startswith("{# Copied from django-ory ")
    assert rest == OLD


def test_it_names_what_belongs_into_version_control(project: Path) -> None:
    folder = project / "ory_auth"
    expected = f"{folder / 'nodes' / 'field.html'} is yours to change. Add it and {folder / '.originals'} to Git."
    assert expected in run(project, "nodes/field")


def test_every_template_still_works_as_a_copy(project: Path) -> None:
    names = list(template_copies.package_templates())
    assert {"base.html", "login.html", "nodes/field.html", "tags/user_menu.html"} <= set(names)
    assert "Django does not use" not in run(project, *names)
    page = render_to_string("ory_auth/refused.html")
    assert page.lstrip().startswith("<!doctype html>")


def test_the_list_says_which_copies_are_behind(package: Path, project: Path) -> None:
    run(project, "login", "nodes/field")
    (package / "login.html").write_text(OLD.replace("two", "zwei"))
    lines = run(project).splitlines()
    assert ["login.html" in lines[0], "changed in django-ory since you copied it" in lines[0]] == [True, True]
    assert "up to date" in lines[1]


def test_the_list_names_templates_that_were_not_copied_by_the_command(package: Path, project: Path) -> None:
    (project / "ory_auth").mkdir()
    (project / "ory_auth" / "login.html").write_text("my own")
    (project / "ory_auth" / "old.html").write_text("from long ago")
    lines = run(project).splitlines()
    assert "not copied by this command" in lines[0]
    assert "no longer used by django-ory" in next(line for line in lines if "old.html" in line)


def test_a_copy_is_not_replaced_unless_forced(package: Path, project: Path) -> None:
    run(project, "login")
    copy = project / "ory_auth" / "login.html"
    copy.write_text("mine")
    with pytest.raises(CommandError, match=r"login\.html: you have this already"):
        run(project, "login", "nodes/field")
    assert copy.read_text() == "mine"
    assert not (project / "ory_auth" / "nodes").exists()
    run(project, "login", "--force")
    assert copy.read_text().endswith(OLD)


def test_the_diff_shows_both_sides(package: Path, project: Path) -> None:
    run(project, "login")
    copy = project / "ory_auth" / "login.html"
    copy.write_text(copy.read_text().replace("four", "vier"))
    (package / "login.html").write_text(OLD.replace("two", "zwei"))
    theirs, mine = run(project, "--diff").split("What you have changed:")
    assert "-two\n+zwei" in theirs
    assert "vier" not in theirs
    assert "-four\n+vier" in mine
    assert "zwei" not in mine


def test_the_check_fails_until_the_copies_are_updated(package: Path, project: Path) -> None:
    run(project, "login", "nodes/field")
    assert run(project, "--check") == ""
    copy = project / "ory_auth" / "login.html"
    copy.write_text(copy.read_text().replace("five", "fünf"))
    (package / "login.html").write_text(OLD.replace("one", "eins"))
    with pytest.raises(CommandError, match="not up to date"):
        run(project, "--check")
    assert run(project, "--update") == "login.html: updated\n"
    assert copy.read_text().split("\n", 1)[1] == OLD.replace("one", "eins").replace("five", "fünf")
    assert run(project, "--check") == ""
    assert "-five\n+fünf" in run(project, "--diff")


def test_a_template_that_is_no_longer_used_fails_the_check(package: Path, project: Path) -> None:
    run(project, "login")
    (package / "login.html").unlink()
    with pytest.raises(CommandError):
        run(project, "--check")


def test_an_update_marks_lines_that_both_have_changed(package: Path, project: Path) -> None:
    run(project, "login")
    copy = project / "ory_auth" / "login.html"
    copy.write_text(copy.read_text().replace("two", "deux"))
    (package / "login.html").write_text(OLD.replace("two", "zwei"))
    with pytest.raises(CommandError, match="Look for <<<<<<<"):
        run(project, "--update")
    assert "<<<<<<< your version\ndeux\n=======\nzwei\n>>>>>>> django-ory\n" in copy.read_text()
    with pytest.raises(CommandError, match="not up to date"):
        run(project, "--check")


def test_a_lost_original_is_named(package: Path, project: Path) -> None:
    run(project, "login")
    (project / "ory_auth" / ".originals" / "login.html").unlink()
    (package / "login.html").write_text("new")
    assert "the original is lost" in run(project, "--update")
    assert (project / "ory_auth" / "login.html").read_text().endswith(OLD)


def test_a_folder_that_django_does_not_search_is_named(package: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert "Django does not use" in run(elsewhere, "login")


@pytest.mark.parametrize(
    ("arguments", "error"), [(["nowhere"], "is not a folder"), ([".", "log1n"], "has no template 'log1n'")]
)
def test_mistakes_are_explained(arguments: list[str], error: str) -> None:
    with pytest.raises(CommandError, match=error):
        run(*arguments)


LINES = st.lists(st.sampled_from(["a\n", "b\n", "c\n", "d\n"]), max_size=8).map("".join)


@given(LINES, LINES)
def test_a_merge_with_an_unchanged_side_takes_the_other(old: str, new: str) -> None:
    assert merge(old, old, new) == (new, 0)
    assert merge(old, new, old) == (new, 0)
    assert merge(old, new, new) == (new, 0)


@given(LINES, LINES, LINES)
def test_a_merge_loses_no_line_of_either_side(old: str, mine: str, theirs: str) -> None:
    merged = merge(old, mine, theirs).text.splitlines()
    for line in {*mine.splitlines(), *theirs.splitlines()} - set(old.splitlines()):
        assert line in merged
