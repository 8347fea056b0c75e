"""The site of the pages: it builds without a warning, all links in it lead somewhere, it loads nothing from afar."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS) for path in DOCS.rglob("*.md") if DOCS / "site" not in path.parents}
# What a browser fetches by itself; a link is followed by a person.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}


class Page(HTMLParser):
    """What a page links to, what it fetches, and its anchors."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors |= {given.get("id") or "", given.get("name") or ""}
        if tag == "a" and given.get("href"):
            self.links.append(given["href"] or "")
        elif tag in FETCHED and given.get("rel") not in ("canonical", "next", "prev"):
            self.fetched.append(given.get(FETCHED[tag]) or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built in a copy of the pages, since the builder writes beside them."""
    home = tmp_path_factory.mktemp("site")
    shutil.copytree(DOCS, home / "docs", ignore=shutil.ignore_patterns("site"))
    for name in ("src", "generated"):
        (home / name).symlink_to(ROOT / name)
    command = [Path(sys.executable).with_name("zensical"), "build", "-f", "docs/zensical.toml", "--strict"]
    done = subprocess.run(command, cwd=home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return home / "docs" / "site"


def named(nav: Any) -> set[Path]:
    """The pages of a menu."""
    if isinstance(nav, str):
        return {Path(nav)}
    return set().union(*(named(each) for each in (nav.values() if isinstance(nav, dict) else nav)))


def test_the_menu_has_every_page():
    """And nothing that is no page, which the builder would not report."""
    assert named(tomllib.loads((DOCS / "zensical.toml").read_text())["project"]["nav"]) == PAGES


def test_it_fetches_nothing_from_afar(site):
    """Scripts, styles, pictures and fonts are files of the site."""
    for path in site.rglob("*.html"):
        page = Page(path.read_text(encoding="utf-8"))
        assert [each for each in page.fetched if urlsplit(each).netloc] == [], path
        assert len(page.fetched) > 2
    for path in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")) == [], path


def test_every_link_leads_to_a_page_and_an_anchor(site):
    """The builder checks pages; this checks what it built, with the part after the `#`."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("*.html") if path.name != "404.html"}
    assert len(pages) == len(PAGES)
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.netloc or parts.scheme:
                continue
            target = path if not parts.path else Path(path.parent, *PurePosixPath(unquote(parts.path)).parts).resolve()
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{path}: {link}"
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].anchors, f"{path}: {link}"
