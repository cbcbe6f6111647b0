"""Middlebury optical flow: eight pairs of frames with dense, measured or rendered, ground truth."""

from pathlib import Path

from mmlib.data.dataset import Dataset, Reads, from_files
from mmlib.data.flow_files import read_flow_file
from mmlib.data.folders import DataMissing, command, set_folder
from mmlib.images import read_image

_READS: Reads = {
    "rgb": (read_image, "rgb"),
    "rgb_next": (read_image, "rgb_next"),
    ("flow", "valid"): (read_flow_file, "flow"),
}


def middlebury() -> Dataset:
    """Eight sequences: rgb, rgb_next (3,H,W); flow (2,H,W) float32, pixels, 0 where unknown; valid (H,W) bool.

    Read as repacked (<seq>/flow10.npz, NaN = unknown, float16: errors up to 0.008 px) or as published (other-data or
    other-color-twoframes, and other-gt-flow with flow10.flo). Judge a flow on `valid` only.
    """
    folder = set_folder("middlebury")
    frames, flows, variant = _layout(folder)
    suffix = "flo" if variant == "middlebury-flo" else "npz"
    names = sorted(path.parent.name for path in frames.glob("*/frame10.png"))
    files = {
        "rgb": {name: frames / name / "frame10.png" for name in names},
        "rgb_next": {name: frames / name / "frame11.png" for name in names},
        "flow": {name: flows / name / f"flow10.{suffix}" for name in names},
    }
    absent = [
        str(path.relative_to(folder)) for paths in files.values() for path in paths.values() if not path.is_file()
    ]
    if absent or not names:
        raise DataMissing(
            f"middlebury: {len(absent)} files missing ({', '.join(absent[:3])}); complete with: {command('middlebury')}"
        )
    return from_files("middlebury", None, variant, folder, files, _READS)


def _layout(folder: Path) -> tuple[Path, Path, str]:
    """Folders of frames and flows, and the variant's name."""
    for sub in ("other-data", "other-color-twoframes/other-data"):
        for flows in ("other-gt-flow", "other-gt-flow/other-gt-flow"):
            if (folder / sub).is_dir() and any((folder / flows).glob("*/flow10.flo")):
                return folder / sub, folder / flows, "middlebury-flo"
    if any(folder.glob("*/frame10.png")):
        return folder, folder, "middlebury-float16"
    raise DataMissing(f"middlebury: no */frame10.png in {folder}; obtain the set with: {command('middlebury')}")
