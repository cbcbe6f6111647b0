"""Slides of a chapter: what is shown, what is said, and what is left out."""

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mmlib.book import slides

TEXT = """# Motion

The camera drives on {cite}`horn1981flow`.

$$ I_x u = 0 $$

## Half a pixel

:::{exercise} Mirror
:label: ex-ch4-flip

Write `flip(flow)`.
:::
"""


def kinds(cells):
    return [(cell.metadata.slideshow.slide_type, cell.source.split("\n")[0]) for cell in cells]


def test_headings_are_slides_and_prose_is_said():
    assert kinds(slides.of_text(TEXT)) == [
        ("slide", "# Motion"),
        ("fragment", "$$ I_x u = 0 $$"),
        ("notes", "The camera drives on [horn1981flow]."),
        ("slide", "## Half a pixel"),
        ("slide", "> **Exercise: Mirror**"),
    ]


def code(source, tags=(), html=""):
    cell = new_code_cell(source, metadata={"tags": list(tags)})
    if html:
        cell.outputs = [new_output("display_data", data={"text/html": html})]
    return cell


def test_figures_follow_their_heading_and_solutions_stay_out(tmp_path):
    figure = "<figure>one</figure>"
    executed = new_notebook(
        cells=[
            new_markdown_cell("# Motion\n\nLook."),
            code("import torch"),
            code("first", html=figure),
            code("second", html=figure),
            code("third", html="<table></table>"),
            code("said", html="<p>4 pixels</p>"),
            code('hint("ch4.flip")', html="<p>mirrored</p>"),
            code("def flip(flow): secret", tags=["solution"], html=figure),
        ]
    )
    made = slides.of_notebook(executed)
    assert [cell.metadata.slideshow.slide_type for cell in made.cells] == [
        "slide",
        "notes",
        "-",
        *["subslide"] * 2,
        "-",
    ]
    nbformat.write(executed, tmp_path / "done.ipynb")
    html = slides.export(tmp_path / "done.ipynb", tmp_path / "slides.html").read_text()
    assert html.count("<figure>one") == 2 and "secret" not in html and "import torch" not in html
