"""Which code a notebook depends on, and one hash that changes exactly when that code does.

The hash is taken over syntax trees without docstrings and comments, so that better words do not make a result stale.
"""

from __future__ import annotations

import ast
import hashlib
import json
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Drawing a number, judging it, asking about it and printing the page cannot move it.
SHOWING = tuple(f"mmlib/{part}/" for part in ("show", "exercises", "book", "claims", "nightly"))


def notebook_code(notebook: Path, *, without: tuple[str, ...] = ()) -> str:
    """The code cells of a notebook as one text, without IPython lines and cells tagged with one of ``without``."""
    cells = json.loads(Path(notebook).read_text(encoding="utf-8"))["cells"]
    kept = [
        "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and not set(without) & set(cell["metadata"].get("tags", []))
    ]
    lines = [line for text in kept for line in text.splitlines() if not line.lstrip().startswith(("%", "!"))]
    return "\n".join(lines)


def _module_files(name: str) -> list[Path]:
    """The files that importing ``name`` runs: the module and the packages around it; [] if it is not ours."""
    parts = name.split(".")
    if parts[0] != "mmlib":
        return []
    found = []
    for end in range(1, len(parts) + 1):
        base = ROOT.joinpath(*parts[:end])
        found += [path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()]
    return found


def _imports(tree: ast.AST, package: str) -> set[str]:
    """Dotted names that a syntax tree imports, absolute; each ``from a import b`` gives a and a.b."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            names |= {base} | {f"{base}.{alias.name}" for alias in node.names}
    return names


def code_files(notebook: Path) -> list[Path]:
    """The files of mmlib that a notebook runs, found by following imports from its cells; sorted, absolute paths."""
    waiting = _imports(ast.parse(notebook_code(notebook), str(notebook)), "")
    seen: set[Path] = set()
    while waiting:
        for path in _module_files(waiting.pop()):
            if path not in seen:
                seen.add(path)
                package = ".".join(path.relative_to(ROOT).parent.parts)
                waiting |= _imports(ast.parse(path.read_text(encoding="utf-8"), str(path)), package)
    return sorted(seen)


def _bare(tree: ast.AST) -> ast.AST:
    """The tree without docstrings."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = body[1:] or [ast.Pass()]
    return tree


def _written(node: object) -> str:
    """A syntax tree as text, the same under every Python: ``ast.dump`` changes its mind about empty fields."""
    if isinstance(node, list):
        return "[" + ",".join(_written(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = [(name, value) for name, value in ast.iter_fields(node) if value is not None and value != []]
    return type(node).__name__ + "(" + ",".join(f"{name}={_written(value)}" for name, value in fields) + ")"


def _code(text: str, source: str) -> bytes:
    """What of a Python text is code."""
    return _written(_bare(ast.parse(text, source))).encode()


def code_fingerprint(notebook: Path) -> str:
    """sha256 (hex) of what a notebook computes: its cells but ``look`` and exercises, and the mmlib files they import.

    Files under SHOWING are left out: a figure's caption does not make a measurement old.
    """
    digest = hashlib.sha256()
    digest.update(_code(notebook_code(notebook, without=("colab", "look", "solution", "exercise")), str(notebook)))
    for path in code_files(notebook):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(SHOWING):
            continue
        digest.update(name.encode())
        digest.update(_code(path.read_text(encoding="utf-8"), str(path)))
    return digest.hexdigest()
