"""Where the real data lie, whether a set is there, and whether its files are the ones that were published."""

import functools
import hashlib
import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

SETS = {
    "ministreet": ("mmlib.data.ministreet", None),
    "roadscene": ("mmlib.data.fusion_sets", "roadscene"),
    "tno": ("mmlib.data.fusion_sets", "tno"),
    "vifb": ("mmlib.data.fusion_sets", "vifb"),
    "msrs": ("mmlib.data.msrs", "msrs"),
    "camvid": ("mmlib.data.camvid", "camvid"),
    "camvid_video": ("mmlib.data.camvid", "camvid"),
    "davis": ("mmlib.data.davis", "davis2016val"),
    "middlebury": ("mmlib.data.middlebury", "middlebury_flow"),
    "cityscapes": ("mmlib.data.cityscapes", "cityscapes"),
    "gta5": ("mmlib.data.gta5", "gta5"),
    "mfnet": ("mmlib.data.mfnet", "mfnet"),
    "fmb": ("mmlib.data.fmb", "fmb"),
    "msrs_full": ("mmlib.data.msrs", "msrs_full"),
    "m3fd": ("mmlib.data.m3fd", "m3fd"),
    "llvip": ("mmlib.data.llvip", "llvip"),
}
"""Name of a set -> the module whose function of that name reads it, and its folder below the data root."""

FOLDERS = {name: folder for name, (_, folder) in SETS.items() if folder} | {"glove": "glove", "weights": "weights"}
"""Everything that `python data_scripts/obtain.py NAME` can obtain, and the folder it lies in."""


class DataMissing(FileNotFoundError):
    """Real data are not where they were looked for; the message says where that was and which command is next."""


def data_root() -> Path:
    """The folder that holds the real data: $MMLIB_DATA if it is set, else data/ beside the library.

    Raises DataMissing, naming what was tried, if that is not a folder.
    """
    asked = os.environ.get("MMLIB_DATA")
    root = Path(asked).expanduser() if asked else REPOSITORY / "data"
    if root.is_dir():
        return root
    tried = f"MMLIB_DATA={asked}" if asked else f"{root} (MMLIB_DATA is not set)"
    state = "is a file" if root.exists() else "does not exist"
    raise DataMissing(
        f"no data folder: expected a folder, but {tried} {state}; set MMLIB_DATA to the folder that holds roadscene/, "
        f"msrs/, ..., or obtain a set with: {command('roadscene')}"
    )


def set_folder(name: str) -> Path:
    """The folder of one data set. Raises ValueError for an unknown name and DataMissing where it is absent or empty."""
    if name not in FOLDERS:
        raise ValueError(f"unknown data set {name!r}; expected one of {', '.join(FOLDERS)}")
    folder = data_root() / FOLDERS[name]
    if not folder.is_dir() or not any(folder.iterdir()):
        state = "is empty" if folder.is_dir() else "does not exist"
        raise DataMissing(f"{name}: {folder} {state}; obtain it with: {command(name)}")
    return folder


def command(name: str) -> str:
    """The command that obtains (or explains how to obtain) a data set; for what is not ours, a word for it."""
    if name not in FOLDERS:
        return "your own files"
    return f"python data_scripts/obtain.py {name.removesuffix('_video')}"


def installed(name: str) -> bool:
    """Whether the folder of a set is there with something in it.

    ValueError for an unknown name; DataMissing if MMLIB_DATA is set to something that is not a folder, because a typing
    mistake there should not pass for "no data".
    """
    if os.environ.get("MMLIB_DATA"):
        data_root()
    try:
        set_folder(name)
    except DataMissing:
        return False
    return True


def sha256(path: Path) -> str:
    """Hex digest of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@functools.cache
def manifest(folder: Path) -> dict[str, str]:
    """`read_manifest`, once per process."""
    return read_manifest(folder)


def read_manifest(folder: Path) -> dict[str, str]:
    """{path relative to `folder`: sha256} from its MANIFEST.sha256 (as sha256sum writes it), {} where there is none.

    ValueError, with the line, for anything else, and for paths that lead out of the folder.
    """
    path = folder / "MANIFEST.sha256"
    if not path.is_file():
        return {}
    entries = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name or name.startswith("/") or ".." in Path(name).parts:
            raise ValueError(f"{path}:{number}: expected '<sha256>  <path>', got {line[:80]!r}; restore the manifest")
        entries[name.removeprefix("./")] = digest
    return entries


@functools.cache
def verified(folder: Path, path: Path) -> Path:
    """Return `path` once its bytes are known to be the manifest's; each file is hashed at most once per process.

    Files that the manifest does not list pass: it lists what was published, not what a reader added. ValueError if
    the bytes differ.
    """
    expected = manifest(folder).get(path.relative_to(folder).as_posix())
    if expected is not None and path.is_file() and (got := sha256(path)) != expected:
        raise ValueError(
            f"{path}: damaged or changed: expected sha256 {expected[:12]}..., got {got[:12]}...; delete it and "
            "obtain the set again (python data_scripts/obtain.py SET --check lists every such file)"
        )
    return path


def verify_all(folder: Path) -> list[str]:
    """Check every file of a set against its manifest; returns the problems found, as sentences ([] = all is well).

    Raises DataMissing without a manifest, since then nothing can be said.
    """
    entries = read_manifest(folder)
    if not entries:
        raise DataMissing(f"{folder}: no MANIFEST.sha256, so nothing to check against; obtain the set again")
    problems = []
    for name, expected in entries.items():
        path = folder / name
        if not path.is_file():
            problems.append(f"{name}: missing")
        elif sha256(path) != expected:
            problems.append(f"{name}: sha256 differs")
    return problems
