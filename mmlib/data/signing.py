"""What an arranged set must hold, and its signature: a hash of every file, and where it came from."""

import hashlib
import time
from pathlib import Path

from mmlib.data.folders import sha256


def tree_digest(folder: Path) -> str:
    """sha256 over "<sha256>  <path>" of every file below `folder` (MANIFEST, SOURCE and README files apart), sorted."""
    lines = [f"{sha256(p)}  {p.relative_to(folder).as_posix()}" for p in files_of_set(folder)]
    return hashlib.sha256("\n".join(sorted(lines, key=lambda line: line[66:])).encode()).hexdigest()


def miscounted(counts: dict[str, int], folder: Path) -> list[str]:
    """Subfolders that do not hold as many files as they should, as sentences."""
    found = {sub: sum(p.is_file() for p in (folder / sub).rglob("*")) for sub in counts}
    return [f"{sub or '.'}: expected {n} files, got {found[sub]}" for sub, n in counts.items() if found[sub] != n]


def describe(folder: Path, about: str, homes: list[str], terms: str) -> None:
    """SOURCE.txt and MANIFEST.sha256: where it came from, and what every file was when it came."""
    sources = "\n".join(f"- {home}" for home in homes)
    day = time.strftime("%Y-%m-%d", time.gmtime())
    (folder / "SOURCE.txt").write_text(f"{about}\n\nObtained {day} from\n{sources}\n\nTerms: {terms}\n")
    lines = [f"{sha256(p)}  {p.relative_to(folder).as_posix()}" for p in sorted(files_of_set(folder))]
    (folder / "MANIFEST.sha256").write_text("\n".join(lines) + "\n")


def files_of_set(folder: Path) -> list[Path]:
    """The files of a set: not what describes it, and not the flows that were computed beside it."""
    aside = {"MANIFEST.sha256", "SOURCE.txt", "README.md"}
    files = [p for p in folder.rglob("*") if p.is_file() and p.name not in aside]
    return [p for p in files if p.relative_to(folder).parts[0] != "flow"]
