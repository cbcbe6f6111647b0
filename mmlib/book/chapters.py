"""Which chapters there are, and how a person may name one."""

from __future__ import annotations

from pathlib import Path

from mmlib.files import ROOT

NBS = ROOT / "nbs"


def chapters() -> list[Path]:
    """The chapter notebooks in reading order."""
    return sorted(NBS.glob("[0-9][0-9]_*.ipynb"))


def find(name: str) -> Path:
    """The chapter a person means by a number ("3"), a name ("03_measuring", "measuring") or a path.

    Raises:
        FileNotFoundError: no chapter, or more than one, answers to that name.
    """
    wanted = Path(name).stem if name else ""
    prefix = f"{int(wanted):02d}_" if wanted.isdigit() else None
    hits = [
        path
        for path in chapters()
        if path.stem == wanted or path.stem[3:] == wanted or (prefix and path.stem.startswith(prefix))
    ]
    if len(hits) != 1:
        known = ", ".join(path.stem for path in chapters())
        raise FileNotFoundError(
            f"expected one of the chapters {known}; got {name!r}; next: CHAPTER={chapters()[0].stem}"
        )
    return hits[0]
