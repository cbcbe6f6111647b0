"""Every exercise of every chapter: the stub fails, the solution passes, typical wrong answers are caught.

An exercise is a stub cell (tag ``exercise``) and a solution cell (tag ``solution``) with the metadata
``exercise: "ch1.average"``; both need nothing of the notebook but its imports. Wrong answers stand in
``tests/mutants/chNN.py`` as ``MUTANTS = {"ch1.average": [callables]}``.
"""

import ast
import importlib.util
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mmlib.exercises import in_chapter, judge
from mmlib.exercises.checking import Verdict, find

HERE = Path(__file__).resolve().parent
CHAPTERS = {int(p.name[:2]): p for p in sorted((HERE.parent / "nbs").glob("[0-9][0-9]_*.ipynb"))}


@dataclass
class Chapter:
    """The exercise cells of one notebook and the imports they may use."""

    imports: str = ""
    stubs: dict[str, str] = field(default_factory=dict)
    solutions: dict[str, str] = field(default_factory=dict)


def read(path: Path) -> Chapter:
    chapter, imports = Chapter(), []
    for cell in json.loads(path.read_text())["cells"]:
        source, meta = "".join(cell["source"]), cell.get("metadata", {})
        if cell["cell_type"] != "code" or "colab" in meta.get("tags", []):
            continue
        name, tags = meta.get("exercise"), meta.get("tags", [])
        for tag, cells in (("exercise", chapter.stubs), ("solution", chapter.solutions)):
            assert (tag in tags) <= bool(name), f"{path.name}: a cell tagged {tag} lacks the metadata 'exercise'"
            if tag in tags:
                cells[name] = source
        if not name:
            imports += _imports(source)
    chapter.imports = "\n".join(imports)
    return chapter


def _imports(source: str) -> list[str]:
    code = "\n".join("pass" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
    return [ast.unparse(n) for n in ast.parse(code).body if isinstance(n, (ast.Import, ast.ImportFrom))]


def verdicts(chapter: Chapter, cell: str) -> list[Verdict]:
    """Run a cell after the chapter's imports, with ``check`` listening; what it was asked to judge."""
    heard: list[Verdict] = []
    scope: dict[str, object] = {"__name__": "exercise"}
    exec(chapter.imports, scope)
    scope["check"] = lambda name, answer: heard.append(judge(find(name), answer))
    exec(cell, scope)
    return heard


def mutants(number: int) -> dict[str, list]:
    path = HERE / "mutants" / f"ch{number:02d}.py"
    if not path.exists():
        return {}
    spec = importlib.util.spec_from_file_location(f"mutants_ch{number:02d}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MUTANTS


EXERCISES = [(number, name) for number in CHAPTERS for name in in_chapter(number)]


@pytest.mark.parametrize("number", CHAPTERS)
def test_a_chapter_has_three_exercises_each_in_its_place(number):
    chapter, known = read(CHAPTERS[number]), set(in_chapter(number))
    assert len(known) >= 3
    assert set(chapter.stubs) == known, "stub cells and mmlib.exercises differ"
    assert set(chapter.solutions) == known, "solution cells and mmlib.exercises differ"
    text = CHAPTERS[number].read_text()
    for name in known:
        assert re.fullmatch(rf"ch{number}\.\w+", name)
        assert f'hint(\\"{name}\\")' in text, f"no cell shows the hints of {name}"


@pytest.mark.parametrize("number, name", EXERCISES)
def test_the_stub_fails_and_says_that_it_is_not_written(number, name):
    heard = verdicts(chapter := read(CHAPTERS[number]), chapter.stubs[name])
    assert [v.name for v in heard] == [name] and not heard[0].written


@pytest.mark.parametrize("number, name", EXERCISES)
def test_the_solution_passes(number, name):
    heard = verdicts(chapter := read(CHAPTERS[number]), chapter.solutions[name])
    assert [v.name for v in heard] == [name] and heard[0], str(heard[0])


@pytest.mark.parametrize("number, name", EXERCISES)
def test_typical_wrong_answers_are_caught(number, name):
    wrong = mutants(number).get(name, [])
    assert len(wrong) >= 3, f"tests/mutants/ch{number:02d}.py needs three wrong answers to {name}"
    for answer in wrong:
        verdict = judge(find(name), answer)
        assert verdict.failed, f"{name}: the wrong answer {getattr(answer, '__name__', answer)!r} went through"


@pytest.mark.parametrize("number, name", EXERCISES)
def test_hints_lead_but_the_first_does_not_give_it_away(number, name):
    hints = find(name).hints
    assert len(hints) >= 2 and all(len(h) > 15 for h in hints) and len(set(hints)) == len(hints)
    assert "`" not in hints[0] or "(" not in hints[0], "the first hint should point, not solve"
