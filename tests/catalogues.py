"""The catalogues of translations: each ``django.po`` has the texts of code and templates, and its ``.mo`` beside it.

    python -m tests.catalogues        bring all of them up to date; new texts are there, empty
    python -m tests.catalogues fr     begin a new language

Done by Babel, which installs itself as any Python library does; GNU gettext, which Django's ``makemessages`` calls, is
a program of the system.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).parent.parent
PACKAGES = ("ory_auth", "demo_project")
KEYWORDS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop")),
    **dict.fromkeys(("ngettext", "ngettext_lazy", "_n"), (1, 2)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), ((1, "c"), 2)),
}

# The rules of the languages that have a catalogue here. Babel's own differ between its versions.
ONE_OR_MANY, ZERO_OR_ONE = (2, "(n != 1)"), (2, "(n > 1)")
POLISH = (3, "(n==1 ? 0 : n%10>=2 && n%10<=4 && (n%100<10 || n%100>=20) ? 1 : 2)")
PLURALS = {
    **dict.fromkeys(("de", "es", "it", "nl"), ONE_OR_MANY),
    **dict.fromkeys(("fr", "pt_BR"), ZERO_OR_ONE),
    "ja": (1, "0"),
    "pl": POLISH,
}


def sources(package: str) -> Iterator[tuple[str, str]]:
    """Each file of a package with texts in it, as Python: its name and its content."""
    for path in sorted((ROOT / package).rglob("*")):
        name = str(path.relative_to(ROOT))
        if path.suffix == ".py" and "migrations" not in path.parts:
            yield name, path.read_text()
        elif path.suffix == ".html":
            yield name, "\n".join(line.lstrip() for line in templatize(path.read_text()).split("\n"))


class Catalogue(Catalog):
    """With a header that says what a reader of the file needs, and stays the same from day to day."""

    @property
    def num_plurals(self) -> int:
        known = PLURALS.get(str(self.locale_identifier))
        return known[0] if known else super().num_plurals

    @property
    def plural_expr(self) -> str:
        known = PLURALS.get(str(self.locale_identifier))
        return known[1] if known else super().plural_expr

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        return [
            ("Language", str(self.locale_identifier or "")),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
        ]


def template(package: str, language: str | None = None) -> Catalogue:
    """All texts of a package, without translations."""
    catalogue = Catalogue(language, header_comment=f"# The texts of {package}: make messages", fuzzy=False)
    for name, text in sources(package):
        for _, message, comments, context in extract("python", io.BytesIO(text.encode()), KEYWORDS, ["Translators:"]):
            catalogue.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    return catalogue


def paths(package: str) -> list[Path]:
    return sorted((ROOT / package / "locale").glob("*/LC_MESSAGES/django.po"))


def read(path: Path) -> Catalogue:
    with path.open("rb") as file:
        written = read_po(file, locale=path.parts[-3])
    catalogue = Catalogue(path.parts[-3], fuzzy=False)
    for message in written:
        if message.id:
            catalogue[message.id] = message
    return catalogue


def is_translated(message: Message) -> bool:
    """Whether the message has a translation in each of its plural forms."""
    return all(message.string) if isinstance(message.string, list | tuple) else bool(message.string)


def compiled(catalogue: Catalog) -> bytes:
    """The ``.mo`` of a catalogue, without the texts that have no translation yet."""
    for message in [message for message in catalogue if message.id and not is_translated(message)]:
        catalogue.delete(message.id, message.context)
    file = io.BytesIO()
    write_mo(file, catalogue)
    return file.getvalue()


def update(path: Path) -> None:
    """Write a catalogue again: the texts of the code, with the translations that the file has for them."""
    known = read(path) if path.exists() else Catalogue()
    catalogue = template(path.parts[-5], path.parts[-3])
    for message in catalogue:
        translated = known.get(message.id, message.context) if message.id else None
        if translated:
            message.string = translated.string
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(read(path)))
    missing = [message.id for message in catalogue if message.id and not is_translated(message)]
    print(f"{path.relative_to(ROOT)}: {len(catalogue)} texts, {len(missing)} without a translation")


def main(*languages: str) -> None:
    wanted = {path for package in PACKAGES for path in paths(package)}
    wanted |= {
        ROOT / package / "locale" / new / "LC_MESSAGES" / "django.po" for package in PACKAGES for new in languages
    }
    for path in sorted(wanted):
        update(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
