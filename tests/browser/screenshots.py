"""`bin/screenshots`: pictures of a running console for the documentation, taken in a real browser."""

import argparse
import getpass
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from config.local import browser
from config.local.places import PROJECT

if TYPE_CHECKING:
    from playwright.sync_api import Page

LANGUAGES = {"en": "en-GB", "zh-hans": "zh-CN"}
ANSWER_VARIABLE = "TILTYARD_PASSWORD"
FLAGS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync")
WIDTH, HEIGHT = 1280, 1440


def main(arguments: list[str]) -> int:
    """Take the pictures that were asked for and return the exit code."""
    options = _parser().parse_args(arguments)
    chromium = browser.find()
    if chromium is None:
        sys.stderr.write(f"There is no Chromium.\n  fix: {browser.how_to_install()}" + "\n")
        return 1
    password = os.environ.get(ANSWER_VARIABLE) or getpass.getpass(f"Password of {options.user}: ")
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    with _page(chromium, options.language, options.scheme) as page:
        if not _logged_in(page, options.url, options.user, password):
            sys.stderr.write(f"{options.url} did not accept {options.user}'s password." + "\n")
            return 1
        for name, path in _wanted(options):
            answer = page.goto(f"{options.url}{path}")
            if answer is None or not answer.ok:
                sys.stderr.write(f"{options.url}{path} answered {answer.status if answer else 'nothing'}." + "\n")
                return 1
            page.wait_for_load_state("networkidle")
            picture = folder / f"{name}.png"
            page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": WIDTH, "height": HEIGHT}, full_page=True)
            sys.stdout.write(f"{picture}\n")
    return 0


def _wanted(options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Yield name and path of each picture."""
    suffix = "" if options.language == "en" else "-zh"
    suffix += "-dark" if options.scheme == "dark" else ""
    query = f"?{urlencode({'project': options.project})}" if options.project else ""
    if options.experiment:
        yield f"readout{suffix}", f"/x/{options.experiment}{query}"
    if options.model:
        yield f"model{suffix}", f"/m/{options.model}{query}"
        if options.version:
            yield f"model-version{suffix}", f"/m/{options.model}/{options.version}{query}"
    if options.decision_point:
        yield f"decision-point{suffix}", f"/d/{options.decision_point}{query}"
    if options.more:
        yield f"promotions{suffix}", "/promotions"
        yield f"models{suffix}", "/m/"
        yield f"decision-points{suffix}", "/d/"
        yield f"experiments{suffix}", "/x/"
        yield f"designs{suffix}", "/admin/experiments/experiment/"
        yield f"metrics{suffix}", "/admin/experiments/metric/"


@contextmanager
def _page(chromium: str, language: str, scheme: str) -> Iterator["Page"]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, headless=True, args=list(FLAGS))
        context = launched.new_context(
            locale=LANGUAGES[language],
            color_scheme="dark" if scheme == "dark" else "light",
            viewport={"width": WIDTH, "height": HEIGHT},
        )
        yield context.new_page()
        launched.close()


def _logged_in(page: "Page", url: str, user: str, password: str) -> bool:
    page.goto(f"{url}/x/")
    page.fill("#id_username", user)
    page.fill("#id_password", password)
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    return page.locator("#id_password").count() == 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="bin/screenshots", description="Pictures of a running console.")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="address of the console")
    parser.add_argument(
        "--user", default="admin", help=f"who logs in; the password is asked for, or read from {ANSWER_VARIABLE}"
    )
    parser.add_argument("--experiment", help="key of the experiment whose readout is taken")
    parser.add_argument("--model", help="key of the model whose page is taken")
    parser.add_argument("--version", type=int, help="number of a version of that model whose page is taken")
    parser.add_argument("--decision-point", help="key of the decision point whose page is taken")
    parser.add_argument("--project", help="key of the project, where several have such an experiment, model or point")
    parser.add_argument("--more", action="store_true", help="the lists and the promotion inbox as well")
    parser.add_argument("--language", choices=sorted(LANGUAGES), default="en")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    parser.add_argument("--folder", default=str(PROJECT / "docs" / "images"), help="where the pictures go")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
