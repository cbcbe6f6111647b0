"""`make lab`: the chapters in JupyterLab as copies in lab/, so that reading and trying do not edit the book.

A copy differs from its chapter in two ways. The book's directives and roles, which Lab would show as they are typed,
become plain Markdown; and the cells that the book folds are folded there too.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat

from mmlib.files import ROOT, replace_file
from mmlib.notebooks import chapters, own_caches

FOLDED = {"hide-input", "hide-cell", "remove-input", "remove-cell"}
_BLOCK = re.compile(r"^(`{3,}|:{3,})\{([\w-]+)\} *(.*)\n((?::[\w-]+:.*\n)*)([\s\S]*?)^\1 *$", re.M)
_TARGET = re.compile(r"\{(?:doc|term|ref)\}`([^`<]+?)(?: *<([^>]+)>)?`")
_CITED = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")


def plain(text: str) -> str:
    """The book's Markdown (MyST) as plain Markdown: blocks become quotes, references their words."""
    text = _BLOCK.sub(_quote, text)
    text = _TARGET.sub(lambda found: found[1].strip("/"), text)
    return _CITED.sub(lambda found: f"[{found[1]}]", text)


def _quote(found: re.Match) -> str:
    title = found[3].strip()
    name = f"Exercise: {title}" if found[2] == "exercise" and title else title or found[2].title()
    lines = [f"**{name}**", "", *found[5].strip().splitlines()]
    return "\n".join(f"> {line}".rstrip() for line in lines)


def copied(chapter: Path) -> bytes:
    """A chapter as it is read in Lab."""
    notebook = nbformat.read(chapter, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = plain(cell.source)
        elif FOLDED & set(cell.metadata.get("tags", [])):
            cell.metadata.setdefault("jupyter", {})["source_hidden"] = True
    return nbformat.writes(notebook).encode() + b"\n"


def copy_chapters(folder: Path) -> list[str]:
    """Write the copies that are missing or untouched into `folder`; return the names of those that a reader changed.

    What a reader changed is never overwritten. Delete a copy to get the chapter again.
    """
    note = folder / ".copied.json"  # the hash of each copy as we made it
    made = json.loads(note.read_text(encoding="utf-8")) if note.is_file() else {}
    changed = []
    for chapter in chapters():
        content, target = copied(chapter), folder / chapter.name
        here = hashlib.sha256(target.read_bytes()).hexdigest() if target.is_file() else None
        new = hashlib.sha256(content).hexdigest()
        if here not in (None, new, made.get(chapter.name)):
            changed.append(chapter.name)
            continue
        if here != new:
            replace_file(target, content)
        made[chapter.name] = new
    replace_file(note, json.dumps(made, indent=1).encode() + b"\n")
    return changed


def open_lab(folder: Path = ROOT / "lab") -> int:
    """Copy the chapters and start JupyterLab on the copies; return its exit status."""
    if changed := copy_chapters(folder):
        print(f"lab: kept as you left them: {', '.join(changed)}; delete one to get the chapter again", flush=True)
    own_caches(ROOT / "_build" / "cache")
    os.environ["PYTHONPATH"] = str(ROOT)
    return subprocess.run([sys.executable, "-m", "jupyterlab", str(folder)]).returncode
