"""Which notebooks there are, and how a person may name one.

A paper has two: `nbs/05_training.ipynb` builds and trains, `nbs/05b_training_holds.ipynb` asks whether it holds.
"""

from __future__ import annotations

import re
from pathlib import Path

from mmlib.files import ROOT

NBS = ROOT / "nbs"


def chapters() -> list[Path]:
    """The notebooks in reading order; a *does it hold?* notebook follows the one it belongs to."""
    return sorted(path for path in NBS.glob("*.ipynb") if re.match(r"\d\db?_", path.name))


def asks_whether_it_holds(notebook: Path) -> bool:
    """Whether this is the second notebook of a pair: it reads records, and trains and exports nothing."""
    return re.match(r"\d\db_", notebook.name) is not None


def find(name: str) -> Path:
    """The notebook a person means by a number ("5", "05b"), a name ("05_training", "training") or a path.

    Raises:
        FileNotFoundError: no notebook, or more than one, answers to that name.
    """
    wanted = Path(name).stem if name else ""
    number = re.fullmatch(r"(\d+)(b?)", wanted)
    prefix = f"{int(number[1]):02d}{number[2]}" if number else None
    hits = []
    for path in chapters():
        place, title = path.stem.split("_", 1)
        if wanted in (path.stem, title) or place == prefix:
            hits.append(path)
    if len(hits) != 1:
        known = ", ".join(path.stem for path in chapters())
        raise FileNotFoundError(
            f"expected one of the chapters {known}; got {name!r}; next: CHAPTER={chapters()[0].stem}"
        )
    return hits[0]
