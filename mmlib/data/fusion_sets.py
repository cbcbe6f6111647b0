"""RoadScene, TNO and VIFB: aligned infrared and visible pairs without labels, VIFB with published fused results."""

from functools import partial
from pathlib import Path

from torch import Tensor

from mmlib.data.dataset import Dataset, from_readers
from mmlib.data.folders import DataMissing, command, verified
from mmlib.data.pairs import Layout, find_layout, images_in, paired, variant_of
from mmlib.images import read_image

VIFB_METHODS = (
    "ADF",
    "CNN",
    "DLF",
    "FPDE",
    "GFF",
    "GTF",
    "IFCNN",
    "LatLRR",
    "MSVD",
    "ResNet",
    "SeAFusion",
    "SwinFusion",
    "U2Fusion",
    "YDTR",
)
"""The 14 methods (of VIFB's 25) whose published outputs are in the data pack."""

_OURS: Layout = {"rgb": "vi", "ir": "ir"}
_GREY = 8 / 255  # JPEG may part equal channels by a few levels


def roadscene() -> Dataset:
    """RoadScene: 221 road pairs, rgb (3,H,W) and ir (1,H,W), sizes vary. Test only; no labels.

    Source: github hanna-xu/RoadScene, crop_LR_visible and cropinfrared (the high-resolution crops do not match).
    """
    published = {"rgb": "crop_LR_visible", "ir": "cropinfrared"}
    names, files, readers, rest = _pairs("roadscene", *find_layout("roadscene", (_OURS, published)))
    variant = variant_of("roadscene", files["rgb"], {".jpg": "original"})
    return from_readers("roadscene", None, variant, names, readers, **rest)


def tno() -> Dataset:
    """TNO: 42 grey pairs; rgb (3,H,W) repeats the grey visible image, so that one vocabulary serves all sets."""
    published = {"rgb": "Image/Source-Image/TNO/vi", "ir": "Image/Source-Image/TNO/ir"}
    names, files, readers, rest = _pairs("tno", *find_layout("tno", (_OURS, published)))
    return from_readers("tno", None, variant_of("tno", files["rgb"], {".jpg": "jpeg95"}), names, readers, **rest)


def vifb(methods: tuple[str, ...] | str = ()) -> Dataset:
    """VIFB: 21 pairs, and with `methods` the published outputs, `fused` = {method: (3,H,W)}.

    `methods`: names of VIFB_METHODS, one name, or "all" for every method found on disk for all pairs. The infrared is
    read as one channel: the files that store three repeat it exactly. ValueError for an unknown method.
    """
    folder, layout = find_layout("vifb", (_OURS, {"rgb": "input/VI", "ir": "input/IR"}))
    names, files, readers, rest = _pairs("vifb", folder, layout)
    if methods:
        published = folder / ("fused" if layout is _OURS else "output/fused_images")
        outputs = _outputs(images_in(published, "vifb"), names)
        chosen = _choose(methods, outputs, names)
        files |= {method: outputs[method] for method in chosen}
        readers["fused"] = partial(_read_fused, folder, {method: outputs[method] for method in chosen})
    return from_readers("vifb", None, variant_of("vifb", files["rgb"], {".jpg": "original"}), names, readers, **rest)


def _pairs(name: str, folder: Path, layout: Layout) -> tuple[tuple[str, ...], dict, dict, dict]:
    """Names, files and readers of rgb and ir, and what a Dataset wants besides (files stays open for more)."""
    names, files = paired(name, **{field: folder / sub for field, sub in layout.items()})
    readers = {field: partial(read_field, folder, files[field], 3 if field == "rgb" else 1) for field in files}
    return names, files, readers, {"folder": folder, "files": partial(files_of, files)}


def read_field(folder: Path, files: dict[str, Path], channels: int, name: str) -> Tensor:
    """One image of a sample, its bytes checked against the manifest first.

    `channels`: 3, or 1 for infrared, which may be stored as three equal channels; ValueError if they are not equal.
    """
    path = verified(folder, files[name])
    image = read_image(path, 3 if channels == 3 else None)
    if channels == 1 and (image.amax(0) - image.amin(0)).max() > _GREY:
        raise ValueError(f"{path}: expected a grey infrared image, got colour; are the visible and infrared swapped?")
    return image[:channels]


def files_of(files: dict[str, dict[str, Path]], name: str, shared: tuple[Path, ...] = ()) -> list[Path]:
    """All files that one sample is read from, for the fingerprint; `shared` are those that serve every sample."""
    return [*(by_name[name] for by_name in files.values()), *shared]


def _read_fused(folder: Path, outputs: dict[str, dict[str, Path]], name: str) -> dict[str, Tensor]:
    return {method: read_image(verified(folder, by_pair[name]), 3) for method, by_pair in outputs.items()}


def _outputs(files: dict[str, Path], pairs: tuple[str, ...]) -> dict[str, dict[str, Path]]:
    """{method: {pair: path}} from files named <pair>_<method>; methods may hold underscores, pairs do not."""
    outputs: dict[str, dict[str, Path]] = {}
    for stem, path in files.items():
        pair, _, method = stem.partition("_")
        if pair in pairs and method:
            outputs.setdefault(method, {})[pair] = path
    return {method: outputs[method] for method in sorted(outputs, key=str.lower)}


def _choose(
    methods: tuple[str, ...] | str, outputs: dict[str, dict[str, Path]], pairs: tuple[str, ...]
) -> tuple[str, ...]:
    """The asked methods, each with an output for every pair; an error names what is unknown or incomplete."""
    if methods == "all":
        methods = tuple(m for m, by_pair in outputs.items() if len(by_pair) == len(pairs))
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    unknown = [m for m in methods if m not in outputs]
    if unknown or not methods:
        raise ValueError(f"vifb: no outputs of {', '.join(unknown) or 'any method'}; there are {', '.join(outputs)}")
    short = [m for m in methods if len(outputs[m]) < len(pairs)]
    if short:
        raise DataMissing(f"vifb: {', '.join(short)}: outputs missing for some pairs; complete with: {command('vifb')}")
    return methods
