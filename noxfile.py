"""The tests on each pair of Python and Django, once without the optional libraries, and against the wheel."""

import shutil
import tempfile
from pathlib import Path

import nox

nox.options.error_on_missing_interpreters = False
nox.options.reuse_existing_virtualenvs = True
PYPROJECT = nox.project.load_toml("pyproject.toml")
TEST = nox.project.dependency_groups(PYPROJECT, "test")
OTHER_USER = (
    "tests/test_users.py",
    "tests/test_migrations.py",
    "tests/test_deleted_users.py",
    "tests/test_groups.py",
    *sorted(
        str(path)
        for pattern in ("test_sign_in*.py", "test_sync*.py", "test_user_*.py")
        for path in Path("tests").glob(pattern)
    ),
)
DEMO = nox.project.dependency_groups(PYPROJECT, "demo")
STUBS = ("mypy", "django-stubs", "djangorestframework-stubs")
CAME_FROM = """
import pathlib, sys, ory_auth, ory_auth.local
print(f"ory_auth {ory_auth.__version__} comes from {ory_auth.__file__}")
sys.exit(not pathlib.Path(ory_auth.__file__).is_relative_to(sys.prefix))
"""


@nox.session(venv_backend="venv")
@nox.parametrize(
    ("python", "django"),
    [
        nox.param("3.11", "5.2", id="5.2"),
        nox.param("3.12", "6.0", id="6.0"),
        nox.param("3.13", "6.1", id="6.1"),
        nox.param("3.14", "6.1", id="6.1-3.14"),
    ],
)
def tests(session: nox.Session, django: str) -> None:
    session.install(f"django~={django}.0", "-e", ".[drf,ninja,channels,local]", "django-environ", *TEST)
    session.run(
        "pytest", "-q", "-n", "auto", "--ignore=tests/docs", "--ignore=tests/browser"
    )  # the documents are tried once, by `make test`
    session.run("pytest", "-q", "-n", "auto", "--ds=tests.uuid_project.settings", *OTHER_USER)


@nox.session(venv_backend="venv")
def without_optional_libraries(session: nox.Session) -> None:
    """A project that has neither Django REST framework nor the local Ory: it starts, and checks pass."""
    session.install(".")
    session.run("python", "-m", "tests.support.minimal")


@nox.session(venv_backend="venv", reuse_venv=False, default=False)
def wheel(session: nox.Session) -> None:
    """What is published: built, looked into, and installed into an empty environment, where the demo's tests run."""
    session.install("build", "twine")
    with tempfile.TemporaryDirectory() as elsewhere:
        place = Path(elsewhere)
        session.run("python", "-m", "build", "--quiet", "--outdir", place / "dist")  # the wheel out of the sdist
        session.run("python", "-m", "build", "--quiet", "--wheel", "--outdir", place / "direct")
        session.run("twine", "check", "--strict", *sorted((place / "dist").iterdir()))
        session.run("python", "-m", "tests.support.distribution", place / "dist", place / "direct")
        [built] = (place / "dist").glob("*.whl")
        for name in ("demo_project", "tests"):
            shutil.copytree(name, place / name, ignore=shutil.ignore_patterns("__pycache__", "db.sqlite3*"))
        for name in ("manage.py", "pyproject.toml"):
            shutil.copy(name, place)
        session.run("python", "-m", "venv", place / "empty")
        python = place / "empty" / "bin" / "python"
        install = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        with session.chdir(place):
            session.run(*install, f"{built}[local]", external=True)
            session.run(python, "-c", CAME_FROM, external=True)
            more = f"{built}[local,drf,ninja,channels]"
            session.run(*install, more, *DEMO, "pytest", "pytest-django", *STUBS, external=True)
            session.run(python, "-m", "pytest", "-q", "tests/test_demo.py", external=True)
            session.run(python, "-m", "mypy", "--config-file=", "--strict", "tests/typed_use.py", external=True)
        shutil.rmtree("dist", ignore_errors=True)
        shutil.copytree(place / "dist", "dist")


@nox.session(venv_backend="venv", python="3.13", default=False)
def moving(session: nox.Session) -> None:
    """Move users with rows of other packages, to the local Ory or to that of ORY_TEST_PUBLIC_URL."""
    packages = ("django-otp", "django-allauth[mfa,socialaccount]", "social-auth-app-django", "qrcode")
    session.install("-e", ".[local]", *packages, *TEST)
    session.run("pytest", "-q", "tests/test_moving_packages.py", *session.posargs)


@nox.session(venv_backend="venv", python="3.13", default=False)
def compatibility(session: nox.Session) -> None:
    """Try the newest versions of other packages and of servers: docs/compatibility.md."""
    session.install("-e", ".[local]", "psutil")
    session.run("python", "-m", "compatibility", *session.posargs)
