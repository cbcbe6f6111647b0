"""What a release is made of: one version everywhere, a picture for links, and an archive of the pages."""

import hashlib
import json
import re
import subprocess
import tarfile
from types import SimpleNamespace

import numpy as np
import pytest
import yaml
from as_program import ROOT
from PIL import Image

from mmlib import __version__
from mmlib.book import card, sphinx_ext
from mmlib.book.__main__ import main
from mmlib.book.archive import archive


def test_code_citation_changes_and_chapters_name_the_same_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"] == __version__
    newest = re.search(r"^## (\S+), .*$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest[1] == __version__
    assert re.search(r"not yet released|\d{4}-\d{2}-\d{2}", newest[0]), "a section says when it was released"
    for path in (ROOT / "nbs").glob("*.ipynb"):
        cells = json.loads(path.read_text())["cells"]
        for cell in cells:
            if "colab" in cell["metadata"].get("tags", []):
                assert f'colab.main("{__version__}")' in "".join(cell["source"]), path.name


# --- the archive


@pytest.fixture
def pages(tmp_path):
    """A toy's built pages."""
    for name, text in {"index.html": "<p>ö</p>", "nbs/a.html": "<p>a", ".complete": "built\n", ".nojekyll": ""}.items():
        path = tmp_path / "html" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def test_the_archive_holds_the_pages_and_a_manifest_that_sha256sum_checks(pages, tmp_path):
    packed = archive(pages)
    assert packed.name == f"fuse-flow-refer-{__version__}.tar.gz"
    with tarfile.open(packed) as bundle:
        assert all(member.mtime == 0 and member.isfile() for member in bundle)
        bundle.extractall(tmp_path / "out", filter="data")
    folder = tmp_path / "out" / f"fuse-flow-refer-{__version__}"
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {"index.html", "nbs/a.html", ".nojekyll", "MANIFEST.sha256"}
    told = dict(line.split("  ")[::-1] for line in (folder / "MANIFEST.sha256").read_text().splitlines())
    assert told.keys() == names - {"MANIFEST.sha256"}
    assert all(hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest for name, digest in told.items())
    check = ["sha256sum", "--strict", "-c", "MANIFEST.sha256"]
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 0
    (folder / "nbs" / "a.html").write_text("<p>b")
    assert subprocess.run(check, cwd=folder, capture_output=True).returncode == 1


def test_the_same_pages_give_the_same_bytes(pages):
    first = archive(pages).read_bytes()
    (pages / "html" / "index.html").touch()
    assert archive(pages).read_bytes() == first


def test_without_pages_there_is_no_archive(pages, capsys):
    (pages / "html" / ".complete").unlink()
    assert main(["archive", "--build", str(pages)]) == 1
    assert "expected the built pages, there are none; next: make book" in capsys.readouterr().err
    assert not list(pages.glob("*.tar.gz"))


# --- the picture that a link shows


def test_the_card_has_the_size_that_sites_expect_and_is_drawn_by_its_script():
    kept = Image.open(card.CARD)
    assert kept.size == (1200, 630) and kept.format == "PNG" and card.CARD.stat().st_size < 300 * 1024
    drawn = np.asarray(card.draw_card().convert("RGB"), dtype=float)
    moved = np.abs(drawn - np.asarray(kept.convert("RGB"), dtype=float))
    assert moved.mean() < 2, "make the card again: python -m mmlib.book.card"


@pytest.mark.parametrize(
    ("repository", "home"),
    [
        ("https://github.com/Some-Body/book", "https://some-body.github.io/book/"),
        ("https://github.com/some-body/book/", "https://some-body.github.io/book/"),
        ("https://git.example.org/a/b", ""),
        ("https://github.com/alone", ""),
        ("", ""),
    ],
)
def test_pages_know_where_they_are_served(repository, home):
    assert sphinx_ext.home_of(repository) == home


def context_of(repository, **context):
    theme = {"repository_url": repository}
    app = SimpleNamespace(config=SimpleNamespace(html_theme_options=theme, html_title="The book"))
    sphinx_ext._with_card(app, "nbs/01_a", "page.html", context, None)
    return context.get("metatags", "")


def test_a_pages_head_names_the_card_and_its_title_as_text():
    tags = context_of("https://github.com/a/b", title='Is <em>2</em> &lt; "3"?', metatags="<meta>\n")
    assert tags.startswith("<meta>\n")
    assert '<meta property="og:image" content="https://a.github.io/b/_static/card.png">' in tags
    assert '<meta property="og:title" content="Is 2 &lt; &quot;3&quot;?">' in tags
    assert '<meta property="og:site_name" content="The book">' in tags
    assert '<meta property="og:url" content="https://a.github.io/b/nbs/01_a.html">' in tags
    assert context_of("https://git.example.org/a/b", title="x") == "", "no address is made up"


@pytest.mark.book
def test_each_built_page_has_the_card(built_book):
    page = (built_book / "book" / "intro.html").read_text(encoding="utf-8")
    address = re.search(r'property="og:image" content="https://[^/]+/[^/]+/([^"]+)"', page)[1]
    assert (built_book / address).is_file()
