"""The site of these documents: ``make docs``. The pages are Markdown, which Git hosts also show."""

from __future__ import annotations

import sys
from pathlib import Path

import django
from django.conf import settings

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "docs")]

from ory_auth import __version__  # noqa: E402

# What the reference reads is imported, and parts of it are models.
settings.configure(
    INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth", "django.contrib.contenttypes", "ory_auth"],
    ORY_AUTH={"SDK_URL": "http://127.0.0.1:4433"},
)
django.setup()

project = "django-ory"
author = "The django-ory authors"
project_copyright = author
version = release = __version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "llms_txt"]
llms_summary = "Sign-in with Ory for Django: Ory Network, or Ory Kratos on your own servers."
exclude_patterns = ["_build", "requirements.txt"]
myst_heading_anchors = 3
myst_enable_extensions = ["deflist", "html_image"]
copybutton_exclude = ".linenos, .gp, .go"  # prompts and what a command answers are not for copying

autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
# No inventories of other projects are fetched, so that the site is built without a network.
nitpick_ignore_regex = [
    ("py:.*", r"(django|rest_framework|datetime|uuid|collections|enum|typing)\..*"),
    ("py:class", r"ory_auth\.(decorators|impersonation\.guard)\.V"),  # a view, sync or async
    ("py:class", r"ory_auth\.conf\.Conf"),  # settings as they were read: handlers get it, and pass it on
    ("py:.*", r"(HttpRequest|HttpResponse|UUID|datetime|timedelta|Any|Callable|Mapping|View|Request|APIException)"),
]

html_theme = "furo"
html_title = "django-ory"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
