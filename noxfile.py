"""The matrix: the tests on each pair of Python and Django, and once without the optional libraries."""

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
TEST = nox.project.dependency_groups(nox.project.load_toml("pyproject.toml"), "test")


@nox.session(venv_backend="venv")
@nox.parametrize(
    ("python", "django"),
    [nox.param("3.11", "5.2", id="5.2"), nox.param("3.12", "6.0", id="6.0"), nox.param("3.13", "6.1", id="6.1")],
)
def tests(session: nox.Session, django: str) -> None:
    session.install(f"django~={django}.0", "-e", ".[drf,local]", "django-environ", *TEST)
    session.run("pytest", "-q", "-n", "auto")
    session.run(
        "pytest", "-q", "-n", "auto", "--ds=tests.uuid_project.settings", "tests/test_users.py", "tests/test_sign_in.py"
    )


@nox.session(venv_backend="venv")
def without_optional_libraries(session: nox.Session) -> None:
    """A project that has neither Django REST framework nor the local Ory: it starts, and checks pass."""
    session.install(".")
    session.run("python", "-m", "tests.bare")
