"""Every link leads somewhere: in the built book, and from README, CONTRIBUTING and CHANGELOG. No network is asked."""

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from as_program import ROOT

FILES = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
FOLDERS = ("book", "nbs", "mmlib", "data_scripts", "claims", "results", "tests", "benchmarks", ".ci", ".github")
PLACEHOLDER = re.compile(r"NN|KEY|NAME|PAPER|[*{<]|\.\.\.")


def lost(text: str) -> list[str]:
    """Links and paths in a Markdown text, seen from the root, that name nothing there."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
    wrong = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        path, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        if (path and not (ROOT / path).exists()) or (not path and anchor not in anchors):
            wrong.append(link)
    for path in re.findall(r"`([\w.]+/[^`\s]*)`", text):
        if path.split("/")[0] in FOLDERS and not PLACEHOLDER.search(path) and not (ROOT / path).exists():
            wrong.append(path)
    return wrong


@pytest.mark.parametrize("name", FILES)
def test_links_and_paths_name_what_is_there(name):
    assert lost((ROOT / name).read_text(encoding="utf-8")) == []


def test_a_lost_link_and_a_lost_path_are_found():
    text = "# One two\n[a](book/gone.md) [b](#one-two) [c](#three) [d](https://x.org)"
    text += " `mmlib/gone.py` `nbs/` `claims/KEY.yml`"
    assert lost(text) == ["book/gone.md", "#three", "mmlib/gone.py"]


class Found(HTMLParser):
    """The ids of one page, and where it points to."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.ids: set[str] = {"", "top"}
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name == "id" or (name == "name" and tag == "a"):
                self.ids.add(value)
            elif name in ("href", "src") and value:
                self.links.append(value)


def broken_links(html: Path) -> list[str]:
    """Links between the pages below a folder, and to files there, that lead nowhere: "page: link"."""
    files = [path for path in html.rglob("*.html") if "_static" not in path.parts]  # there lie the theme's templates
    pages = {path.resolve(): Found(path.read_text(encoding="utf-8")) for path in files}
    wrong = []
    for page, found in pages.items():
        for link in dict.fromkeys(found.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            anchors = pages[target].ids if target in pages else {""}
            if not target.is_file() or (parts.fragment and unquote(parts.fragment) not in anchors):
                wrong.append(f"{page.relative_to(html.resolve())}: {link}")
    return wrong


@pytest.mark.book
def test_links_between_pages_and_to_files_lead_somewhere(built_book):
    assert len(list(built_book.rglob("*.html"))) > 20
    assert broken_links(built_book) == []


def test_a_lost_page_a_lost_file_and_a_lost_place_are_found(tmp_path):
    (tmp_path / "a.html").write_text(
        '<p id="here"><a href="b.html#there">b</a><a href="#here">a</a><a href="%C3%B6.html">ö</a>'
    )
    (tmp_path / "b.html").write_text(
        '<p id="there"><a href="a.html#gone">a</a><img src="gone.png"><a href="gone.html">c</a>'
    )
    (tmp_path / "ö.html").write_text('<a href="https://example.org/">elsewhere</a>')
    assert broken_links(tmp_path) == ["b.html: a.html#gone", "b.html: gone.png", "b.html: gone.html"]
