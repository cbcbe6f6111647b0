"""Start on another paper: a notebook that builds and trains, one that asks whether it holds, and a file of claims.

    python -m mmlib.book.new_paper 12 senseformer "SenseFormer"

What comes out is small and complete: a network of two parts, four variants, a positive control, a headline claim with
its controls. Replace the parts one by one; after each step ``make reproduce CHAPTER=12 PRESET=smoke`` still runs.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

import nbformat
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from mmlib.book.colab import cell as colab_cell
from mmlib.files import ROOT, replace_file

KEY = re.compile(r"[a-z][a-z0-9_]*")


def _yaml_text(text: str) -> str:
    """A text as YAML writes it inside a line, quoted where it must be."""
    return yaml.safe_dump([text], default_flow_style=True, allow_unicode=True, width=10_000).strip()[1:-1]


def _notebook(text: str) -> bytes:
    """A notebook written as a script with cells (jupytext's percent format), as the bytes of its file."""
    import jupytext

    made = jupytext.reads(text, fmt="py:percent")
    made.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    for number, cell in enumerate(made.cells):
        cell["id"] = f"cell-{number:02d}"
    nbformat.validate(made)
    return nbformat.writes(made).encode() + b"\n"


def start(number: int, key: str, title: str, root: Path = ROOT) -> list[Path]:
    """Write ``nbs/NN_KEY.ipynb``, ``nbs/NNb_KEY_holds.ipynb`` and ``claims/KEY.yml``; nothing there is overwritten.

    Raises:
        ValueError: the key is no lower-case word, the number is none of a chapter, the title is no single line, or a
            file is there already.
    """
    if not KEY.fullmatch(key) or not 1 <= number <= 99:
        raise ValueError(f"expected a number from 1 to 99 and a key such as senseformer, got {number} and {key!r}")
    if len(title.splitlines()) != 1:
        raise ValueError(f"expected a title of one line, got {title!r}")
    stem, stem_holds = f"{number:02d}_{key}", f"{number:02d}b_{key}_holds"
    paths = {
        "new_paper_build.py.j2": root / "nbs" / f"{stem}.ipynb",
        "new_paper_holds.py.j2": root / "nbs" / f"{stem_holds}.ipynb",
        "new_paper_claims.yml.j2": root / "claims" / f"{key}.yml",
    }
    same_number = [*(root / "nbs").glob(f"{number:02d}_*.ipynb"), *(root / "nbs").glob(f"{number:02d}b_*.ipynb")]
    taken = [*(path for path in paths.values() if path.exists()), *same_number]
    if taken:
        raise ValueError(f"expected a number and a key that are free, got {taken[0].name}; next: choose others")

    templates = Environment(loader=FileSystemLoader(Path(__file__).parent), undefined=StrictUndefined)
    templates.filters["yaml"] = _yaml_text
    fill = {"number": number, "key": key, "title": title, "stem": stem, "stem_holds": stem_holds}
    fill |= {"name": "".join(part.title() for part in key.split("_")), "colab": colab_cell()}
    for template, path in paths.items():
        text = templates.get_template(template).render(fill) + "\n"
        replace_file(path, text.encode() if path.suffix == ".yml" else _notebook(text))
    return list(paths.values())


def main(arguments: Sequence[str]) -> int:
    """Start a chapter and say what comes next; return the exit status."""
    if len(arguments) != 3 or not arguments[0].isdigit():
        print('usage: python -m mmlib.book.new_paper NUMBER KEY "TITLE"', file=sys.stderr)
        return 2
    try:
        paths = start(int(arguments[0]), arguments[1], arguments[2])
    except ValueError as error:
        print(f"new_paper: {error}", file=sys.stderr)
        return 1
    print("\n".join(f"written: {path.relative_to(ROOT)}" for path in paths))
    print(f"next: make export; add nbs/{paths[0].stem} and nbs/{paths[1].stem} to _toc.yml;")
    print(f"      make reproduce CHAPTER={arguments[0]} PRESET=smoke")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
