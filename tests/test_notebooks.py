"""Every notebook as committed: clean, complete, and no name that the library does not have."""

import ast
import importlib
import os
import re

import nbformat
import pytest
from forks import ended, fork

from mmlib.book.colab import cell as colab_cell
from mmlib.book.script import run_as_script
from mmlib.notebooks import ENVIRONMENT, asks_whether_it_holds, chapters, find, parameter_defaults
from mmlib.results import load_claims, paper_keys
from mmlib.results.fingerprint import notebook_code

PARAMETERS = {"preset": "laptop", "data": "ministreet", "seed": 0, "variant": "default", "pretrained": True, "out": ""}
every_chapter = pytest.mark.parametrize("chapter", chapters(), ids=lambda path: path.stem)


def code_cells(path):
    """The code cells of a chapter."""
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def tags(cell):
    """A cell's tags."""
    return cell.metadata.get("tags", [])


@every_chapter
def test_is_committed_clean(chapter):
    notebook = nbformat.read(chapter, as_version=4)
    nbformat.validate(notebook)
    assert (notebook.metadata.kernelspec.name, notebook.metadata.kernelspec.language) == ("python3", "python")
    assert set(notebook.metadata) <= {"kernelspec", "language_info", "jupytext"}
    for cell in code_cells(chapter):
        assert not cell.outputs and cell.execution_count is None, "outputs are committed: clear them"


@every_chapter
def test_opens_with_title_colab_cell_and_parameters(chapter):
    notebook = nbformat.read(chapter, as_version=4)
    assert notebook.cells[0].source.startswith("# ")
    first, second = code_cells(chapter)[:2]
    assert first.source == colab_cell() and {"remove-cell", "colab"} <= set(tags(first))
    given = {}
    if "parameters" in tags(second):
        given = {node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(second.source).body}
    if asks_whether_it_holds(chapter):  # it has only the parameters that it uses
        assert given.items() <= PARAMETERS.items()
        used = "\n".join(cell.source for cell in code_cells(chapter)[2:])
        assert all(re.search(rf"\b{name}\b", used) for name in given)
    else:
        assert given.pop("start", "") == "", "weights to go on from are the only further parameter"
        assert given | {"variant": "default"} == PARAMETERS
        asked = [load_claims(key) for key in paper_keys()]
        variants = [list(paper.variants) for paper in asked if paper.chapter == chapter.stem and paper.variants]
        assert given["variant"] in ("default", *(names[0] for names in variants)), "the first variant is the default"


@every_chapter
def test_a_parameter_keeps_what_it_was_given(chapter):
    for cell in code_cells(chapter):
        if "parameters" not in tags(cell):
            for node in ast.parse(cell.source).body:
                inside = [] if isinstance(node, ast.FunctionDef | ast.ClassDef) else ast.walk(node)
                bound = {name.id for name in inside if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
                bound |= {getattr(node, "name", None)}  # of a function or a class
                assert not bound & {*PARAMETERS, "start"}, f"rebound in {cell.source[:80]!r}"


@every_chapter
def test_a_second_notebook_belongs_to_a_first_and_neither_trains_nor_exports(chapter):
    if asks_whether_it_holds(chapter):
        assert find(chapter.name[:2]).stem in chapter.stem.replace("b_", "_", 1)
        assert not any("export" in tags(cell) for cell in code_cells(chapter))
        assert not re.search(r"\btrain\(", notebook_code(chapter))


@every_chapter
def test_cells_carry_no_installs_hosts_or_paths(chapter):
    for cell in code_cells(chapter):
        assert not re.search(r"pip install|(?<![\w.])/(home|root|tmp|work|Users)/|https?://(?!github)", cell.source)


@every_chapter
def test_every_library_name_it_uses_exists(chapter):
    for node in ast.walk(ast.parse(notebook_code(chapter))):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("mmlib"):
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")


@pytest.mark.slow
@every_chapter
def test_runs_at_smoke_from_top_to_bottom(chapter, tmp_path):
    """Without data, every cell in a forked process: the book is built by kernels, which take seconds to start."""

    def run() -> None:
        os.chdir(chapter.parent)
        given = {"preset": "smoke"} if "preset" in parameter_defaults(chapter) else {}
        run_as_script(chapter, given, left_out=())

    assert ended(fork(run, MMLIB_DATA=str(tmp_path), **ENVIRONMENT)) == 0
