"""Every exercise of every chapter: its cell says that the stub is not written, accepts the solution, refuses mistakes.

An exercise is a stub cell (tag `exercise`), which ends in its check, and a solution cell (tag `solution`), both with
the metadata `exercise: "ch1.average"`; both need nothing of the notebook but its imports. Wrong answers stand in
`tests/mutants/chNN.py` as `MUTANTS = {"ch1.average": [functions]}`.
"""

import ast
import contextlib
import importlib.util
import io
import json
import linecache
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from mmlib.exercises import find, in_chapter

HERE = Path(__file__).resolve().parent
CHAPTERS: dict[int, list[Path]] = {}  # a chapter's notebooks: most exercises stand in the first
for notebook in sorted((HERE.parent / "nbs").glob("[0-9][0-9]*_*.ipynb")):
    CHAPTERS.setdefault(int(notebook.name[:2]), []).append(notebook)
EXERCISES = [(number, name) for number in CHAPTERS for name in in_chapter(number)]
each_exercise = pytest.mark.parametrize("number, name", EXERCISES)


def all_cells(number: int) -> list[dict]:
    """The cells of all notebooks of a chapter."""
    return [cell for path in CHAPTERS[number] for cell in json.loads(path.read_text())["cells"]]


def cells(number: int, tag: str) -> dict[str, str]:
    """The cells of a chapter that carry this tag, by exercise."""
    found = {}
    for cell in all_cells(number):
        name = cell["metadata"].get("exercise")
        if tag in cell["metadata"].get("tags", []):
            assert name, f"chapter {number}: a cell tagged {tag} lacks the metadata 'exercise'"
            found[name] = "".join(cell["source"])
    return found


@cache
def imports(number: int) -> str:
    """All import statements of a chapter's other cells."""
    lines = []
    for cell in all_cells(number):
        if cell["cell_type"] == "code" and not {"colab", "exercise", "solution"} & {*cell["metadata"].get("tags", [])}:
            code = "".join("pass\n" if re.match(r"\s*[%!]", line) else line for line in cell["source"])
            lines += [ast.unparse(n) for n in ast.parse(code).body if isinstance(n, (ast.Import, ast.ImportFrom))]
    return "\n".join(lines)


def says(number: int, name: str, answer: Callable | None = None) -> str:
    """What the exercise's cell prints, with `answer` in place of the stub."""
    source = cells(number, "exercise")[name]
    scope: dict[str, object] = {}
    exec(imports(number), scope)
    tree = ast.parse(source)
    if answer is not None:
        stub = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
        tree.body.remove(stub)
        scope[stub.name] = answer
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)  # as a notebook does
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(tree, name, "exec"), scope)
    return printed.getvalue()


def solution(number: int, name: str) -> Callable:
    """The function that the solution cell defines."""
    scope: dict[str, object] = {}
    exec(imports(number), scope)
    source = cells(number, "solution")[name]
    with contextlib.redirect_stdout(io.StringIO()):
        exec(source, scope)
    return scope[next(node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef))]


def mutants(number: int) -> dict[str, list[Callable]]:
    path = HERE / "mutants" / f"ch{number:02d}.py"
    spec = importlib.util.spec_from_file_location(f"mutants_ch{number:02d}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MUTANTS


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_chapter_has_three_exercises_each_in_its_place(number):
    known, text = set(in_chapter(number)), "".join(path.read_text() for path in CHAPTERS[number])
    assert len(known) >= 3
    assert set(cells(number, "exercise")) == known, "stub cells and mmlib.exercises differ"
    assert set(cells(number, "solution")) == known, "solution cells and mmlib.exercises differ"
    assert set(mutants(number)) == known, "tests/mutants and mmlib.exercises differ"
    for name in known:
        assert re.fullmatch(rf"ch{number}\.[a-z0-9_]+", name)
        assert f'hint(\\"{name}\\")' in text, f"no cell shows the hints of {name}"


@each_exercise
def test_the_stub_is_not_written_yet_and_the_solution_solves(number, name):
    assert says(number, name).startswith(f"{name}: not written yet")
    said = says(number, name, solution(number, name))
    assert said.startswith(f"{name}: solved"), said


@each_exercise
def test_typical_wrong_answers_are_refused_with_what_they_gave(number, name):
    wrong = mutants(number)[name]
    assert len(wrong) >= 2
    for answer in wrong:
        said = says(number, name, answer)
        assert said.startswith(f"{name}: not yet."), f"{answer.__name__}: {said}"
        assert "FAILS" in said and "got " in said, f"{answer.__name__}: {said}"


@each_exercise
def test_hints_lead_but_the_first_does_not_give_it_away(number, name):
    hints = find(name).hints
    assert len(hints) >= 2 and all(len(h) > 15 for h in hints) and len(set(hints)) == len(hints)
    assert "`" not in hints[0] or "(" not in hints[0], "the first hint should point, not solve"
