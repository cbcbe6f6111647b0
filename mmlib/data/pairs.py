"""Images that go together by name: finding the files of every sample, choosing a split, reading a pair."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from torch import Tensor

from mmlib.data.dataset import Dataset, Reads, from_files
from mmlib.data.folders import DataMissing, command, set_folder, verified
from mmlib.images import read_image, read_labels

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff")
Layout = dict[str, str]
"""Field -> folder below the set's folder, for one way the set is published: {"rgb": "vi", "ir": "ir"}."""

PAIRS = {"roadscene": 221, "tno": 42, "vifb": 21}
"""How many pairs the whole set has. Another number is no set of that name, and its variant says so."""

_GREY = 8 / 255  # JPEG may part equal channels by a few levels


# --- reading


def read_ir(path: Path) -> Tensor:
    """An infrared image (1,H,W) float32 in [0, 1]. It may be stored as three equal channels; ValueError for colour."""
    image = read_image(path, None)
    if (image.amax(0) - image.amin(0)).max() > _GREY:
        raise ValueError(f"{path}: expected a grey infrared image, got colour; are the visible and infrared swapped?")
    return image[:1]


def day_or_night(path: Path) -> str:
    """ "day" or "night", as the last letter of a name, D or N, tells in MFNet's recordings (and so in MSRS)."""
    letter = path.stem.removesuffix("_flip")[-1:]
    if letter not in ("D", "N"):
        raise ValueError(f"{path}: expected a name that ends in D (day) or N (night), got {path.stem!r}")
    return "day" if letter == "D" else "night"


READ_PAIR: Reads = {"rgb": (read_image, "rgb"), "ir": (read_ir, "ir")}


def own_images(name: str, folder: str | Path, num_classes: int | None = None, **subfolders: str) -> Dataset:
    """Your own images: own_images("mine", "photos", rgb="colour", ir="thermal", labels="masks").

    Files of a sample have the same name, whatever their suffix. Subfolders: rgb, rgb_next, ir, labels, those that you
    have. `num_classes`: ids of labels are below it, or 255 (ignore). DataMissing for a folder without images,
    ValueError for an image without its partner or another field.
    """
    reads: Reads = {
        **READ_PAIR,
        "rgb_next": (read_image, "rgb_next"),
        "labels": (partial(read_labels, num_classes=num_classes), "labels"),
    }
    if not subfolders or not subfolders.keys() <= reads.keys():
        raise ValueError(f"{name}: expected subfolders for some of {', '.join(reads)}, got {sorted(subfolders)}")
    folder = Path(folder)
    files = paired(name, **{field: folder / sub for field, sub in subfolders.items()})
    return from_files(name, None, variant_of(name, next(iter(files.values()))), folder, files, reads)


# --- finding


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
    paths = folder.iterdir() if folder.is_dir() else ()
    for path in sorted(paths, key=lambda path: (path.stem, path.suffix)):
        if path.suffix.lower() not in SUFFIXES or path.name.startswith("."):
            continue
        if path.stem in found:
            raise ValueError(f"{name}: both {found[path.stem].name} and {path.name} in {folder}; keep one of them")
        found[path.stem] = path
    if not found:
        raise DataMissing(f"{name}: no images in {folder}; obtain the set with: {command(name)}")
    return found


def paired(name: str, **folders: Path) -> dict[str, dict[str, Path]]:
    """Match folders by file stem: {field: {stem: path}}, in order. ValueError names the files without a partner."""
    found = {field: images_in(folder, name) for field, folder in folders.items()}
    everything = sorted(set().union(*found.values()))
    for field, files in found.items():
        lonely = [stem for stem in everything if stem not in files]
        if lonely:
            listed = ", ".join(lonely[:5]) + (", ..." if len(lonely) > 5 else "")
            raise ValueError(
                f"{name}: {len(lonely)} of {len(everything)} samples have no file in {folders[field]} ({listed}); "
                f"complete the set with: {command(name)}"
            )
    return found


def beside(name: str, names: Iterable[str], folder: Path, suffix: str, hint: str = "") -> dict[str, Path]:
    """{sample: its file in `folder`}. DataMissing, with `hint` and the command for the set, where any is absent."""
    files = {stem: folder / f"{stem}{suffix}" for stem in names}
    absent = [path.name for path in files.values() if not path.is_file()]
    if absent:
        raise DataMissing(
            f"{name}: {len(absent)} of {len(files)} samples have no file in {folder}, such as {absent[0]}; {hint}"
            f"complete the set with: {command(name)}"
        )
    return files


def pack_file(path: Path, name: str) -> Path:
    """`path` if it is there, else DataMissing: it is ours, and comes with the data pack only."""
    if not path.exists():
        raise DataMissing(f"{name}: {path} does not exist; it is part of the data pack: {command(name)} --from FOLDER")
    return path


def variant_of(name: str, files: dict[str, Path], **known: str) -> str:
    """ "msrs-jpeg92" and the like: the set's name and how its images are stored, "mixed" if in several ways.

    known: what to call a suffix, jpg="jpeg92"; else it is its own name.
    """
    suffixes = {path.suffix.lower().removeprefix(".") for path in files.values()}
    suffix = suffixes.pop() if len(suffixes) == 1 else "mixed"
    if len(files) != PAIRS.get(name, len(files)):
        return f"{name}-{len(files)}of{PAIRS[name]}-{suffix}"  # a part of the set, or a reader's own pictures
    return f"{name}-{known.get(suffix, suffix)}"


# --- splits


def one_of(what: str, value: str | None, expected: Sequence[str | None]) -> None:
    """ValueError, naming `what` ("msrs: split"), for a value that is none of the expected ones."""
    if value not in expected:
        raise ValueError(f"{what}: expected one of {', '.join(map(str, expected))}, got {value!r}")


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


def listed(name: str, folder: Path, path: str, samples: Iterable[str]) -> tuple[str, ...]:
    """The samples that the list at `folder`/`path` names, in its order, with or without ".png".

    Errors as `read_list`, and DataMissing if the list names a sample that is not among `samples`.
    """
    lines = read_list(verified(folder, folder / path), name)
    return present(name, path, [line.removesuffix(".png") for line in lines], samples)


def present(name: str, source: str, wanted: Sequence[str], samples: Iterable[str]) -> tuple[str, ...]:
    """The wanted samples; DataMissing, naming the `source` that wants them, if any is not among `samples`."""
    absent = sorted(set(wanted) - set(samples))
    if absent:
        raise DataMissing(
            f"{name}: {source} names {len(absent)} absent samples, such as {absent[0]}; complete the set with: "
            f"{command(name)}"
        )
    return tuple(wanted)


def held_back(names: Iterable[str], *, block: int = 20, every: int = 10) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Our own validation part where a set has none: (what is left to fit, what is held back), both in order.

    Frames of one recording look alike, so names are taken in blocks of `block` neighbours, and the last of every
    `every` blocks is held back: few neighbours are parted. With fewer than `every` blocks, the blocks shrink.
    """
    names = tuple(sorted(names))
    if len(names) < every:
        raise ValueError(f"expected at least {every} samples to hold some back, got {len(names)}; use the whole set")
    block = min(block, len(names) // every)
    held = {n for i, n in enumerate(names) if (i // block) % every == every - 1}
    return tuple(n for n in names if n not in held), tuple(n for n in names if n in held)


def part_of_train(split: str, names: Iterable[str]) -> tuple[str, ...]:
    """The samples of "fit" or "val" (`held_back`'s two parts of the training set), or of any other split all."""
    if split not in ("fit", "val"):
        return tuple(names)
    return held_back(names)[0 if split == "fit" else 1]


def require_apart(name: str, recordings: Mapping[str, str], splits: Mapping[str, Iterable[str]]) -> None:
    """Check that no recording lies in two splits. `recordings`: sample -> recording; a sample without one is its own.

    ValueError names the recording, the splits and a sample of each.
    """
    home: dict[str, tuple[str, str]] = {}
    for split, samples in splits.items():
        for sample in samples:
            recording = recordings.get(sample, f"sample {sample}")
            first, example = home.setdefault(recording, (split, sample))
            if first != split:
                raise ValueError(
                    f"{name}: {recording} lies in both {first} ({example}) and {split} ({sample}): a test on frames "
                    "of a recording that was trained on proves nothing; next: give each recording to one split"
                )
