"""The site of the pages: it builds without a warning, all links in it lead somewhere, it loads nothing from afar."""

from __future__ import annotations

import http.server
import json
import re
import shutil
import subprocess
import sys
import threading
import tomllib
from functools import partial
from html.parser import HTMLParser
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {path.relative_to(DOCS) for path in DOCS.rglob("*.md") if DOCS / "site" not in path.parents}
# What a browser fetches by itself; a link is followed by a person.
FETCHED = {"script": "src", "img": "src", "iframe": "src", "source": "src", "link": "href", "object": "data"}


WIDTHS = """<body><script>(async () => {
  let said = "\\n";
  for (const page of PAGES) {
    const frame = document.createElement("iframe");
    frame.width = 390;
    document.body.appendChild(frame);
    await new Promise(loaded => { frame.onload = loaded; frame.src = "/" + page + "/"; });
    said += page + " " + frame.contentDocument.scrollingElement.scrollWidth + "\\n";
    frame.remove();
  }
  document.body.textContent = said;
})()</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A server of files that prints nothing."""

    def log_message(self, *_: object) -> None:
        pass


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


def test_a_reader_without_a_browser_has_it_as_text(site):
    """llms.txt names every page, as Markdown within the site; llms-full.txt has the words of all of them."""
    links = re.findall(r"^- \[.+?\]\(<?(.+?)>?\)", (site / "llms.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(links) == len(set(links)) == len(PAGES)
    assert [link for link in links if not (site / link).is_file()] == []
    text = (site / "llms-full.txt").read_text(encoding="utf-8")
    assert "Perhaps a cluster that you do not know of" in text
    assert "Deploys an on-demand cluster; returns once it has a machine" in text


def test_it_fetches_nothing_from_afar(site):
    """Scripts, styles, pictures and fonts are files of the site."""
    for path in site.rglob("index.html"):
        page = Page(path.read_text(encoding="utf-8"))
        assert [each for each in page.fetched if urlsplit(each).netloc] == [], path
        assert len(page.fetched) > 2
    for path in site.rglob("*.css"):
        assert re.findall(r"(?:url\(|@import )[\"']?(?:https?:)?//", path.read_text(encoding="utf-8")) == [], path


@pytest.mark.slow
def test_no_page_is_wider_than_a_phone(site, tmp_path):
    """At 390 px nothing but code and tables scrolls sideways, each within itself."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("only a browser can tell")
    pages = sorted(str(path.parent.relative_to(site)) for path in site.rglob("index.html"))
    (site / "widths.html").write_text(WIDTHS.replace("PAGES", json.dumps(pages)))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=site)) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={tmp_path}"]
        command = [browser, *quiet, "--virtual-time-budget=60000", "--dump-dom"]
        address = f"http://127.0.0.1:{server.server_port}/widths.html"
        shown = subprocess.run([*command, address], capture_output=True, text=True, check=False, timeout=55).stdout
        server.shutdown()
        thread.join()
    widths = dict(re.findall(r"^(\S+) (\d+)$", shown, re.MULTILINE))
    assert [*widths] == pages
    assert {page: width for page, width in widths.items() if int(width) > 390} == {}


def test_every_link_leads_to_a_page_and_an_anchor(site):
    """The builder checks pages; this checks what it built, with the part after the `#`."""
    pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.rglob("index.html")}
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
