"""Finding the files of a sample: folders of images that go together by name, whatever their suffix."""

from collections.abc import Sequence
from pathlib import Path

from mmlib.data.folders import DataMissing, command, set_folder

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
Layout = dict[str, str]
"""Field -> folder below the set's folder, for one way the set is published: {"rgb": "vi", "ir": "ir"}."""


def find_layout(name: str, layouts: Sequence[Layout]) -> tuple[Path, Layout]:
    """The set's folder and the first of `layouts` whose folders all exist; DataMissing lists what was looked for."""
    folder = set_folder(name)
    for layout in layouts:
        if all((folder / sub).is_dir() for sub in layout.values()):
            return folder, layout
    expected = " or ".join("{" + ", ".join(f"{sub}/" for sub in layout.values()) + "}" for layout in layouts)
    raise DataMissing(f"{name}: expected {expected} in {folder}; arrange the set with: {command(name)}")


def images_in(folder: Path, name: str) -> dict[str, Path]:
    """{stem: path} of the image files of a folder, sorted by stem.

    DataMissing if there are none or no folder, ValueError if two files share a stem (which of them is meant?).
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise ValueError(f"{name}: both {found[path.stem].name} and {path.name} in {folder}; keep one of them")
        found[path.stem] = path
    if not found:
        raise DataMissing(f"{name}: no images in {folder}; obtain the set with: {command(name)}")
    return found


def paired(name: str, **folders: Path) -> tuple[tuple[str, ...], dict[str, dict[str, Path]]]:
    """Match folders by file stem: (names, {field: {name: path}}). ValueError names the files without a partner."""
    found = {field: images_in(folder, name) for field, folder in folders.items()}
    everything = set().union(*found.values())
    for field, files in found.items():
        lonely = sorted(everything - set(files))
        if lonely:
            listed = ", ".join(lonely[:5]) + (", ..." if len(lonely) > 5 else "")
            raise ValueError(
                f"{name}: {len(lonely)} of {len(everything)} samples have no file in {folders[field]} ({listed}); "
                f"complete the set with: {command(name)}"
            )
    return tuple(sorted(everything)), found


def suffix_of(files: dict[str, Path]) -> str:
    """The one lower-case suffix of these files, which tells original from repacked; "mixed" if there are several."""
    suffixes = {path.suffix.lower() for path in files.values()}
    return suffixes.pop() if len(suffixes) == 1 else "mixed"


def variant_of(name: str, files: dict[str, Path], known: dict[str, str]) -> str:
    """ "msrs-jpeg92" and the like: the set's name and how its images are stored (`known` by suffix)."""
    suffix = suffix_of(files)
    return f"{name}-{known.get(suffix, suffix.lstrip('.'))}"


def pack_file(path: Path, name: str) -> Path:
    """`path` if the file is there, else DataMissing: it is ours, and comes with the data pack only."""
    if not path.is_file():
        raise DataMissing(f"{name}: {path} does not exist; it is part of the data pack: {command(name)} --from FOLDER")
    return path


def read_list(path: Path, name: str) -> list[str]:
    """The non-empty lines of a list file. DataMissing if it is absent, ValueError if it is empty or repeats a line."""
    if not path.is_file():
        raise DataMissing(
            f"{name}: expected the list {path}, which does not exist; arrange the set with: {command(name)}"
        )
    lines = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    if not lines:
        raise ValueError(f"{name}: the list {path} is empty; restore it with: {command(name)}")
    if len(set(lines)) != len(lines):
        raise ValueError(f"{name}: the list {path} names a sample twice; restore it with: {command(name)}")
    return lines
