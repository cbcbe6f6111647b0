"""The book on paper: one PDF of all pages, whose links lead to each other."""

import subprocess
import sys

import pytest
from pypdf import PdfReader

from mmlib.book import pdf


@pytest.mark.browser
def test_pages_become_one_pdf_with_an_outline_and_links_inside(browser, built_book, tmp_path):
    (tmp_path / "html").symlink_to(built_book, target_is_directory=True)
    names = ["book/how_to_read", "nbs/03_measuring", "nbs/03b_measuring_tasks"]
    command = [sys.executable, "-m", "mmlib.book", "pdf", *names, "--build", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    (written,) = tmp_path.glob("*.pdf")
    book = PdfReader(written)
    first, chapter, (below,) = book.outline
    starts = [book.get_destination_page_number(entry) for entry in (first, chapter, below)]
    assert starts[0] == 0 < starts[1] < starts[2] < len(book.pages)
    assert "".join(chapter.title.split()) in "".join(book.pages[starts[1]].extract_text().split())
    numbers = {page.indirect_reference.idnum: number for number, page in enumerate(book.pages)}
    led = set()
    for page in book.pages:
        for link in page.get("/Annots", ()):
            link = link.get_object()
            assert not link.get("/A", {}).get("/URI", "").startswith("file:"), "nobody else has this folder"
            if "/Dest" in link:
                assert not isinstance(link["/Dest"], str), "a name that several pages may have"
                led.add(numbers[list.__getitem__(link["/Dest"], 0).idnum])
    assert starts[2] in led, "chapter 3 links to its second page"


def test_every_page_of_the_table_of_contents_is_printed_once():
    names = [name for name, _ in pdf.pages_in_order()]
    assert names[0] == "book/intro" and len(names) == len(set(names)) > 30
    assert dict(pdf.pages_in_order())["nbs/03b_measuring_tasks"] == 1


def test_without_pages_it_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="next: make book"):
        pdf.print_book(tmp_path)
    (tmp_path / "html").mkdir()
    (tmp_path / "html" / ".complete").touch()
    with pytest.raises(ValueError, match="got nbs/99_more"):
        pdf.print_book(tmp_path, only=["nbs/99_more"])
