"""Which code a run depends on, a hash of each of its files, and whether a record still stands.

Hashes are taken over syntax trees without docstrings and comments, so that better words do not make a result stale.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from mmlib.files import ROOT

if TYPE_CHECKING:
    from mmlib.results.records import Record

SHOWING = ("mmlib/show/", "mmlib/exercises/", "mmlib/book/", "mmlib/results/")
SHOWING += ("mmlib/__init__.py", "mmlib/files.py", "mmlib/uses.py")
"""Drawing a number, judging it, asking about it and printing the page cannot move it."""

NOT_RUN = ("colab", "look", "solution", "exercise")
"""Tags of the cells that a run leaves out."""

CURRENT, STALE = "current", "stale"
UNKNOWN = "unknown"


def notebook_code(notebook: Path, *, without: tuple[str, ...] = ()) -> str:
    """The code cells of a notebook as one text, without IPython lines and cells tagged with one of `without`."""
    cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    kept = []
    for cell in cells:
        tags = set(cell["metadata"].get("tags", []))
        if cell["cell_type"] == "code" and not tags & set(without):
            kept.append("".join(cell["source"]))
    lines = [line for text in kept for line in text.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return "\n".join(lines)


def _module_files(name: str) -> list[Path]:
    """The files that importing `name` runs: the module and the packages around it; [] if it is not ours."""
    parts = name.split(".")
    if parts[0] != "mmlib":
        return []
    found = []
    for end in range(1, len(parts) + 1):
        base = ROOT.joinpath(*parts[:end])
        found += [path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()]
    return found


def _imports(tree: ast.AST, package: str) -> set[str]:
    """Dotted names that a syntax tree imports, absolute; each `from a import b` gives a and a.b."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


@lru_cache(maxsize=512)
def _parsed(path: Path, text: bytes) -> tuple[frozenset[str], str]:
    """What a file with this text imports, and the hash of its code."""
    tree = ast.parse(text, str(path))
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return frozenset(_imports(tree, package)), _hash(tree)


def code_files(
    notebook: Path,
    *,
    readers: Iterable[str] = (),
    without: tuple[str, ...] = (),
    past: tuple[str, ...] = (),
) -> list[Path]:
    """The files of mmlib that a notebook runs, found by following imports from its cells; sorted, absolute paths.

    readers: modules that a run imported by name, such as "mmlib.data.davis".  without: tags of cells to leave out.
    past: beginnings of names of files to leave out, and with them what only they import.
    """
    waiting = _imports(ast.parse(notebook_code(notebook, without=without), str(notebook)), "") | set(readers)
    seen: set[Path] = set()
    while waiting:
        for path in _module_files(waiting.pop()):
            if path not in seen and not path.relative_to(ROOT).as_posix().startswith(past):
                seen.add(path)
                waiting |= _parsed(path, path.read_bytes())[0]
    return sorted(seen)


def _without_docstrings(tree: ast.AST) -> ast.AST:
    for node in ast.walk(tree):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) or not node.body:
            continue
        first = node.body[0]
        text = first.value if isinstance(first, ast.Expr) else None
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            node.body = node.body[1:] or [ast.Pass()]
    return tree


def _written(node: object) -> str:
    """A syntax tree as text, the same under every Python: `ast.dump` changes its mind about empty fields."""
    if isinstance(node, list):
        return "[" + ",".join(_written(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
    return type(node).__name__ + "(" + ",".join(f"{name}={_written(value)}" for name, value in fields) + ")"


def _hash(tree: ast.AST) -> str:
    return hashlib.sha256(_written(_without_docstrings(tree)).encode()).hexdigest()[:16]


def code_hashes(notebook: Path, *, readers: Iterable[str] = ()) -> dict[str, str]:
    """{file: hash of its code} of all that a run depends on: the notebook's cells that run, and the files of mmlib.

    Files under SHOWING, and what only they import, are left out: a figure's caption does not make a measurement old.
    """
    cells = ast.parse(notebook_code(notebook, without=NOT_RUN), str(notebook))
    found = {notebook.relative_to(ROOT).as_posix() if notebook.is_relative_to(ROOT) else notebook.name: _hash(cells)}
    for path in code_files(notebook, readers=readers, without=NOT_RUN, past=SHOWING):
        found[path.relative_to(ROOT).as_posix()] = _parsed(path, path.read_bytes())[1]
    return found


@dataclass(frozen=True)
class State:
    """Whether a record still stands: `word` is "current" or "stale", `reason` names what changed."""

    word: str
    reason: str = ""


def state(record: Record, results: Path | None = None) -> State:
    """A record is current if all that it depends on is unchanged: code, readers, starting weights, settings.

    Another machine or other versions of libraries do not make it stale: `make nightly` reruns some records and says
    whether they still lie within the spread of seeds.
    """
    from mmlib.results.claims import asked

    notebook = ROOT / record.notebook
    if not notebook.is_file():
        return State(STALE, f"{record.notebook} is gone")
    now = code_hashes(notebook, readers=record.reads.values())
    changed = [name for name in sorted(now.keys() | record.code.keys()) if now.get(name) != record.code.get(name)]
    for name, sha256 in record.starts.items():
        if _sha256_now(name, results) not in (sha256, UNKNOWN):
            changed.append(f"the weights {name}")
    if asked(record.paper, record.preset, record.variant) != record.asked:
        changed.append(f"what claims/{record.paper}.yml asks of it")
    if not changed:
        return State(CURRENT)
    shown = ", ".join(changed[:3]) + (f" and {len(changed) - 3} more" if len(changed) > 3 else "")
    return State(STALE, f"changed since {record.commit[:8]}: {shown}")


def _sha256_now(name: str, results: Path | None) -> str | None:
    """The sha256 that weights have now; None if they are gone, UNKNOWN for others' weights that are not here."""
    if name.startswith("outside/"):
        from mmlib.data.weights import listed_sha256

        return listed_sha256(name.removeprefix("outside/")) or UNKNOWN
    from mmlib.results.weights import weights_file

    try:
        return weights_file(name, results)[1]
    except (FileNotFoundError, ValueError):
        return None
