"""RoadScene, TNO and VIFB: aligned infrared and visible pairs without labels, VIFB with published fused results."""

from pathlib import Path

from torch import Tensor

from mmlib.data.dataset import Dataset, from_files
from mmlib.data.folders import DataMissing, command
from mmlib.data.pairs import READ_PAIR, Layout, find_layout, images_in, paired, variant_of
from mmlib.images import read_image

VIFB_METHODS = ("ADF", "CNN", "DLF", "FPDE", "GFF", "GTF", "IFCNN", "LatLRR", "MSVD", "ResNet", "SeAFusion",
                "SwinFusion", "U2Fusion", "YDTR")  # fmt: skip
"""The 14 methods (of VIFB's 25) whose published outputs are in the data pack."""

_OURS: Layout = {"rgb": "vi", "ir": "ir"}


def roadscene() -> Dataset:
    """RoadScene: 221 road pairs, rgb (3,H,W) and ir (1,H,W), sizes vary. Test only; no labels.

    Source: github hanna-xu/RoadScene, crop_LR_visible and cropinfrared (the high-resolution crops do not match).
    """
    folder, files = _pairs("roadscene", {"rgb": "crop_LR_visible", "ir": "cropinfrared"})
    return from_files(
        "roadscene", None, variant_of("roadscene", files["rgb"], jpg="original"), folder, files, READ_PAIR
    )


def tno() -> Dataset:
    """TNO: 42 grey pairs; rgb (3,H,W) repeats the grey visible image, so that one vocabulary serves all sets."""
    folder, files = _pairs("tno", {"rgb": "Image/Source-Image/TNO/vi", "ir": "Image/Source-Image/TNO/ir"})
    return from_files("tno", None, variant_of("tno", files["rgb"], jpg="jpeg95"), folder, files, READ_PAIR)


def vifb(methods: tuple[str, ...] | str = ()) -> Dataset:
    """VIFB: 21 pairs, and with `methods` the published outputs, `fused` = {method: (3,H,W)}.

    `methods`: names of VIFB_METHODS, one name, or "all" for every method found on disk for all pairs. The infrared is
    read as one channel: the files that store three repeat it exactly. ValueError for an unknown method.
    """
    folder, files = _pairs("vifb", {"rgb": "input/VI", "ir": "input/IR"})
    variant, reads = variant_of("vifb", files["rgb"], jpg="original"), READ_PAIR
    if methods:
        published = folder / "fused" if (folder / "fused").is_dir() else folder / "output/fused_images"
        outputs = _outputs(images_in(published, "vifb"), files["rgb"])
        chosen = _choose(methods, outputs, len(files["rgb"]))
        files |= {method: outputs[method] for method in chosen}
        reads = READ_PAIR | {"fused": (_read_fused, *chosen)}
    return from_files("vifb", None, variant, folder, files, reads)


def _pairs(name: str, published: Layout) -> tuple[Path, dict[str, dict[str, Path]]]:
    """The set's folder and the files of its pairs, arranged as ours or as they were published."""
    folder, layout = find_layout(name, (_OURS, published))
    return folder, paired(name, **{field: folder / sub for field, sub in layout.items()})


def _read_fused(*paths: Path) -> dict[str, Tensor]:
    """{method: image} of one pair's files <pair>_<method>."""
    return {path.stem.partition("_")[2]: read_image(path) for path in paths}


def _outputs(files: dict[str, Path], pairs: dict[str, Path]) -> dict[str, dict[str, Path]]:
    """{method: {pair: path}} from files named <pair>_<method>; methods may hold underscores, pairs do not."""
    outputs: dict[str, dict[str, Path]] = {}
    for stem, path in files.items():
        pair, _, method = stem.partition("_")
        if pair in pairs and method:
            outputs.setdefault(method, {})[pair] = path
    return {method: outputs[method] for method in sorted(outputs, key=str.lower)}


def _choose(methods: tuple[str, ...] | str, outputs: dict[str, dict[str, Path]], pairs: int) -> tuple[str, ...]:
    """The asked methods, each with an output for every pair; an error names what is unknown or incomplete."""
    if methods == "all":
        methods = tuple(method for method, by_pair in outputs.items() if len(by_pair) == pairs)
    methods = (methods,) if isinstance(methods, str) else tuple(methods)
    unknown = [method for method in methods if method not in outputs]
    if unknown or not methods:
        raise ValueError(f"vifb: no outputs of {', '.join(unknown) or 'any method'}; there are {', '.join(outputs)}")
    short = [method for method in methods if len(outputs[method]) < pairs]
    if short:
        raise DataMissing(f"vifb: {', '.join(short)}: outputs missing for some pairs; complete with: {command('vifb')}")
    return methods
