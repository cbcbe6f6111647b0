"""Write a chapter's cells tagged ``export`` to ``mmlib/models/``, so that what is read is what everything else runs.

python -m mmlib.book.export           write the files that differ
python -m mmlib.book.export --check   only say which differ
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import nbformat

from mmlib.files import ROOT, replace_file
from mmlib.notebooks import asks_whether_it_holds, chapters

MODELS = ROOT / "mmlib" / "models"
HEAD = '''"""{title}

Written by ``make export`` from the cells tagged ``export`` in nbs/{name}; change them there.
"""

'''


def target(notebook: Path, folder: Path = MODELS) -> Path:
    """Where a chapter's export goes: named like the chapter, without its number."""
    return folder / f"{notebook.stem.lstrip('0123456789_')}.py"


def exported(notebook: Path) -> str | None:
    """The module made of a chapter's exported cells; ``None`` if it has none.

    Imports are gathered at the top. Everything else stays in the chapter's order, two blank lines apart.

    Raises:
        ValueError: a cell is not plain Python, uses a name that no exported cell defines, or stands in a notebook
            that builds nothing.
    """
    found = nbformat.read(notebook, as_version=4)
    cells = [c.source for c in found.cells if c.cell_type == "code" and "export" in c.metadata.get("tags", [])]
    if not cells:
        return None
    if asks_whether_it_holds(notebook):
        raise ValueError(f"{notebook.name}: expected no cell tagged export; next: move it to the notebook that builds")
    parts = [_split(source, f"{notebook.name}, exported cell {number}") for number, source in enumerate(cells, 1)]
    imports = "\n".join(dict.fromkeys(line for lines, _ in parts for line in lines))
    title = next(c.source for c in found.cells if c.cell_type == "markdown").splitlines()[0].lstrip("# ")
    head = HEAD.format(title=title if title.endswith((".", "?", "!")) else f"{title}.", name=notebook.name)
    body = "\n\n\n".join(text for _, text in parts if text)
    return _tidy(f"{head}{imports}\n\n\n{body}\n", notebook.name)


def _split(source: str, where: str) -> tuple[list[str], str]:
    """A cell's top-level imports, one text each, and the rest of it."""
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ValueError(f"{where}: expected plain Python, got {error}; next: take magics out of the cell") from None
    lines, imports = source.splitlines(), []
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            imports.append("\n".join(lines[node.lineno - 1 : node.end_lineno]))
            lines[node.lineno - 1 : node.end_lineno] = [None] * (node.end_lineno - node.lineno + 1)
    return imports, "\n".join(line for line in lines if line is not None).strip()


def _ruff(text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "ruff", *arguments, "--stdin-filename", "mmlib/models/made.py", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, cwd=ROOT)


def _tidy(text: str, name: str) -> str:
    """The module in the project's style; refused if it uses a name that it does not define."""
    undefined = _ruff(text, "check", "--select", "F821", "--output-format", "concise", "--no-cache")
    if undefined.returncode:
        what = undefined.stdout.splitlines()[0].split("F821 ")[-1]
        raise ValueError(
            f"{name}: expected exported cells that stand alone, got: {what}; next: tag the cell that defines it, too"
        )
    fixed = _ruff(text, "check", "--select", "I,F401", "--fix", "--quiet", "--no-cache").stdout
    return _ruff(fixed, "format", "--no-cache").stdout


def differing(notebooks: Iterable[Path], folder: Path = MODELS) -> dict[Path, str]:
    """The files that do not hold what their chapters export, with what they should hold ("" for a file too many).

    Raises:
        ValueError: two chapters export to one file, or :func:`exported` refuses.
    """
    wanted: dict[Path, str] = {}
    for notebook in notebooks:
        if (text := exported(notebook)) is not None:
            path = target(notebook, folder)
            if path in wanted:
                raise ValueError(f"expected one chapter per module, got two for {path.name}; next: name one apart")
            wanted[path] = text
    orphans = {path: "" for path in folder.glob("*.py") if path.name != "__init__.py" and path not in wanted}
    return {p: t for p, t in wanted.items() if not p.is_file() or p.read_text(encoding="utf-8") != t} | orphans


def export(notebooks: Iterable[Path], folder: Path = MODELS) -> list[Path]:
    """Write the files that differ, remove those that no chapter exports any more, and return both."""
    changed = differing(notebooks, folder)
    for path, text in changed.items():
        if text:
            replace_file(path, text.encode())
        else:
            path.unlink()
    return sorted(changed)


def main(arguments: Sequence[str]) -> int:
    """Export all chapters, or with ``--check`` only compare; the exit status says whether something differed."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: python -m mmlib.book.export [--check]", file=sys.stderr)
        return 2
    try:
        paths = sorted(differing(chapters())) if arguments else export(chapters())
    except ValueError as error:
        print(f"export: {error}", file=sys.stderr)
        return 1
    for path in paths:
        print(f"{'differs from its chapter' if arguments else 'written' if path.exists() else 'removed'}: {path.name}")
    return int(bool(arguments and paths))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
