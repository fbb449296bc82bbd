"""``python -m tests.browser.screenshots [DIRECTORY] [STATE …]``: photograph every page and state in every look.

The directory (default: ``screenshots``) gets a picture of each, and contact sheets with a row for each state.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import sync_playwright

from .looks import LOOKS
from .site import run_site
from .states import STATES
from .visitor import Visitor, find_chromium

WIDTH, HEIGHT, GAP, TITLE = 360, 900, 16, 24
ROWS = 6  # of a contact sheet


def take(directory: Path, names: list[str]) -> list[tuple[str, list[Path]]]:
    """The pictures of each state, in the order of the looks."""
    taken = []
    with run_site() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox", "--disable-gpu"])
        for name in names:
            context = browser.new_context(locale="en-GB", viewport={"width": 1100, "height": 760})
            visitor = Visitor(context, site)
            STATES[name].show(visitor, site)
            pictures = []
            for look in LOOKS:
                look.apply(visitor.page)
                path = directory / f"{name}-{look.name.replace(' ', '-').lower()}.png"
                visitor.page.evaluate("scrollTo(0, 0)")
                visitor.page.screenshot(path=path, full_page=True)
                pictures.append(path)
            context.close()
            taken.append((name, pictures))
            print(name, *visitor.complaints, sep="\n    ", flush=True)
        browser.close()
    return taken


def make_contact_sheet(taken: list[tuple[str, list[Path]]], path: Path) -> None:
    """One picture with a row for each of these states."""
    rows = []
    for name, pictures in taken:
        images = []
        for picture in pictures:
            image = Image.open(picture).convert("RGB")
            images.append(image.resize((WIDTH, round(image.height * WIDTH / image.width))))
        rows.append((name, images))
    heights = [max(min(image.height, HEIGHT) for image in images) + TITLE + GAP for _, images in rows]
    columns = max(len(images) for _, images in rows)
    sheet = Image.new("RGB", (columns * (WIDTH + GAP) + GAP, sum(heights) + GAP), "#8a8a8a")
    draw = ImageDraw.Draw(sheet)
    top = GAP
    for (name, images), height in zip(rows, heights, strict=True):
        draw.text((GAP, top), name, fill="black")
        for column, image in enumerate(images):
            sheet.paste(
                image.crop((0, 0, WIDTH, min(image.height, HEIGHT))), (GAP + column * (WIDTH + GAP), top + TITLE)
            )
        top += height
    sheet.save(path)


def main(arguments: list[str]) -> None:
    directory = Path(arguments[0] if arguments else "screenshots")
    directory.mkdir(parents=True, exist_ok=True)
    taken = take(directory, arguments[1:] or list(STATES))
    for number, start in enumerate(range(0, len(taken), ROWS), 1):
        sheet = directory / f"contact-sheet-{number}.png"
        make_contact_sheet(taken[start : start + ROWS], sheet)
        print(sheet)


if __name__ == "__main__":
    main(sys.argv[1:])
