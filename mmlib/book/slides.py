"""A chapter as slides: its headings, figures and formulas to show, and its prose as the speaker's notes."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from mmlib.book.lab import plain
from mmlib.files import replace_file

LEFT_OUT = {"colab", "parameters", "exercise", "solution", "remove-cell"}
_HEADING = re.compile(r"^(?=#{1,3} )", re.M)
_FORMULA = re.compile(r"^\$\$.*?\$\$[.,]?$", re.M | re.S)


def of_text(text: str) -> list[NotebookNode]:
    """A Markdown cell as slides: one for each heading and each exercise, formulas to reveal, the rest as notes."""
    made = []
    for part in _HEADING.split(text):
        head, _, rest = part.partition("\n") if part.startswith("#") else ("", "", part)
        if head:
            made.append(_cell(head, "slide"))
        blocks = re.split(r"\n\n(?=> )", plain(rest).strip())  # an exercise has become a quote
        for block in blocks:
            if block.startswith("> "):
                made.append(_cell(block, "slide"))
                continue
            made += [_cell(formula, "fragment") for formula in _FORMULA.findall(block)]
            if block.strip():
                made.append(_cell(block, "notes"))
    return made


def _cell(text: str, kind: str) -> NotebookNode:
    return new_markdown_cell(text, metadata={"slideshow": {"slide_type": kind}})


def of_notebook(executed: NotebookNode) -> NotebookNode:
    """An executed chapter with the kind of slide that each cell is; code that shows nothing is left out."""
    cells = []
    alone = False  # whether the last slide shows its heading only, so that a figure or table may join it
    for cell in executed.cells:
        if LEFT_OUT & set(cell.metadata.get("tags", [])):
            continue
        if cell.cell_type == "markdown":
            parts = of_text(cell.source)
            cells += parts
            alone = alone or any(part.metadata.slideshow.slide_type == "slide" for part in parts)
        elif cell.outputs and not cell.source.startswith("hint("):
            html = "".join("".join(out.get("data", {}).get("text/html", "")) for out in cell.outputs)
            large = "<figure" in html or "<table" in html  # a sentence is not
            kind = "subslide" if large and not alone else "-"
            cell.metadata["slideshow"] = {"slide_type": kind}
            cells.append(cell)
            alone = alone and not large
    return nbformat.v4.new_notebook(cells=cells, metadata=executed.metadata)


def export(executed: Path, output: Path) -> Path:
    """Write the slides of an executed chapter as one HTML file, without code.

    reveal.js, which turns the pages, and MathJax are loaded from the network when the file is opened.
    """
    from nbconvert import SlidesExporter  # late: it takes a second

    exporter = SlidesExporter(exclude_input=True, exclude_input_prompt=True, exclude_output_prompt=True)
    body, _ = exporter.from_notebook_node(of_notebook(nbformat.read(executed, as_version=4)))
    replace_file(output, body.encode())
    return output
