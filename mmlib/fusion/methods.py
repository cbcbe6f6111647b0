"""`fuse`: one call for every method, learned or not, and the folder of fused pictures that it can write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmlib.data.weights import weights
from mmlib.fusion import densefuse, didfuse, ifcnn, lrrnet, reconet, rules, seafusion, tardal
from mmlib.fusion.chroma import add_chroma
from mmlib.images import check_image, from_uint8, luma, luma8, to_uint8, write_image

if TYPE_CHECKING:
    from mmlib.data import Dataset


@dataclass(frozen=True)
class Method:
    """One learned method, as its authors released it.

    network: makes it, untrained; it takes visible luma and infrared, (B, 1, H, W) twice in [0, 1].
    weights: names for :func:`mmlib.data.weights`; several files are parts of one network.
    renamed: parts of released names -> ours.  unused: parts of names of weights that the released code never applies.
    float_luma: whether the visible luma keeps its fractions; if not it is rounded to grey levels, as files are.
    rounds: whether 8-bit results are rounded; if not their fractions are cut off.
    """

    title: str
    network: Callable[[], nn.Module]
    weights: tuple[str, ...]
    renamed: dict[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    float_luma: bool = False
    rounds: bool = False


NEGLIGIBLE = 1e-20
"""Weights below this are read as 0. It changes no digit: weight decay left them in TarDAL+ and TarDAL++, where numbers
below float32's normal range cost the processor fifteen times the time."""

STATISTICS = ("running_mean", "running_var", "num_batches_tracked")

METHODS: dict[str, Method] = {
    "reconet": Method("ReCoNet", reconet.ReCoNet, ("reconet",), reconet.RENAMED, rounds=True),
    "lrrnet": Method("LRRNet", lrrnet.LRRNet, ("lrrnet",), lrrnet.RENAMED),
    "tardal": Method("TarDAL", tardal.TarDAL, ("tardal",)),
    "tardal_picture": Method(
        "TarDAL, picture's statistics", partial(tardal.TarDAL, tardal.picture_norm), ("tardal",), unused=STATISTICS
    ),
    "tardal_plus": Method("TarDAL+", tardal.TarDAL, ("tardal_plus",)),
    "tardal_plusplus": Method("TarDAL++", tardal.TarDAL, ("tardal_plusplus",)),
    "seafusion": Method(
        "SeAFusion", seafusion.SeAFusion, ("seafusion",), seafusion.RENAMED, unused=(".bn.",), float_luma=True
    ),
    "densefuse": Method("DenseFuse", densefuse.DenseFuse, ("densefuse",), densefuse.RENAMED),
    "ifcnn": Method("IFCNN-MAX", ifcnn.IFCNN, ("ifcnn",)),
    "didfuse": Method(
        "DIDFuse", didfuse.DIDFuse, ("didfuse_encoder", "didfuse_decoder"), didfuse.RENAMED, float_luma=True
    ),
}
"""Learned methods with their authors' weights. TarDAL, TarDAL+ and TarDAL++ are: for human vision, for detection, for
both. Others run TarDAL with the statistics stored in its file; the command in its own README, with those of the picture
at hand, `tardal_picture`. TarDAL+ is fed as it wants (the stored means of its input are those of TarDAL++), but its
infrared comes out inverted, and below 0, where the release cuts it off: it was trained for a detector, not for eyes."""

RULES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "average": rules.average,
    "maximum": rules.maximum,
    "by_saliency": rules.by_saliency,
    "laplacian_pyramid": rules.laplacian_pyramid,
}
"""Methods without learning, see `mmlib.fusion.rules`."""


def load(method: str, device: torch.device | str = "cpu") -> nn.Module:
    """A learned method's network with its authors' weights, ready to use: evaluation mode, no gradients for weights.

    Its `forward(vis, ir)` takes visible luma and infrared, (B, 1, H, W) twice in [0, 1]. ValueError for an unknown
    method or weights that do not fit, DataMissing, with the command that obtains them, where they are absent.
    """
    if method not in METHODS:
        raise ValueError(f"unknown learned method {method!r}; expected one of {', '.join(METHODS)}")
    facts = METHODS[method]
    state = {}
    for name in facts.weights:
        for key, value in weights(name).items():
            if not any(part in key for part in facts.unused):
                state[_renamed(key, facts.renamed)] = value.where(value.abs() >= NEGLIGIBLE, 0)
    network = facts.network()
    network.load_state_dict(state, strict=True)
    network = network.to(device, memory_format=torch.channels_last)  # a fifth to a half faster on a CPU
    return network.eval().requires_grad_(False)


def _renamed(key: str, parts: dict[str, str]) -> str:
    for released, ours in parts.items():
        key = key.replace(released, ours)
    return key


_loaded = lru_cache(maxsize=None)(load)


@torch.no_grad()
def fuse(rgb: Tensor, ir: Tensor, method: str = "lrrnet", *, colour: bool = False, released: bool = False) -> Tensor:
    """Fuse visible and infrared images by a learned method or a rule: -> (B, 1, H, W) float32 in [0, 1].

    Args:
        rgb: visible, (B, 3, H, W) or grey (B, 1, H, W), floats in [0, 1].
        ir: infrared, (B, 1, H, W), floats in [0, 1], same size, same device.
        method: a key of METHODS or RULES.
        colour: give the result the chroma of `rgb`, which must have three channels then: -> (B, 3, H, W).
        released: read and write 8 bits, as the release does: sources are rounded to grey levels, and the result is
            a whole number of grey levels / 255, rounded or cut off as the method's own code does it. Published
            metrics were computed on such pictures. A visible image given as grey is taken as the luma of its file.

    Any size from 2x2 on, any batch, any device; images of a batch do not influence each other. Networks run in float32
    and stay in memory after their first use. No gradient: `load` gives the network for that.

    Raises ValueError for an unknown method, shapes that do not fit, images outside [0, 1], two devices or weights that
    are damaged; TypeError for images that are not of floats; DataMissing, with the next command, without weights.
    """
    _check(rgb, ir, method, colour)
    if released:
        rgb, ir = from_uint8(to_uint8(rgb)), from_uint8(to_uint8(ir))
    rgb, ir = rgb.float(), ir.float()
    if method in RULES:
        fused = RULES[method](_visible(rgb, whole=released), ir)
        fused = from_uint8(to_uint8(fused)) if released else fused
    else:
        fused = _learned(rgb, ir, METHODS[method], _loaded(method, rgb.device), released)
    return _with_chroma(fused, rgb, released) if colour else fused


def _learned(rgb: Tensor, ir: Tensor, facts: Method, network: nn.Module, released: bool) -> Tensor:
    vis = _visible(rgb, whole=released and not facts.float_luma)
    with torch.autocast(rgb.device.type, enabled=False):
        fused = network(vis, ir).clamp(0, 1)
    if released:
        fused = (255 * fused).round() if facts.rounds else (255 * fused).floor()
        fused = fused / 255
    if fused.shape[1] == 3:  # IFCNN's channels stand for blue, green and red
        fused = _visible(fused.flip(1), whole=released)
    return fused


def _visible(rgb: Tensor, whole: bool) -> Tensor:
    """The luma of an image, (B, 1, H, W); `whole`: in whole grey levels."""
    return from_uint8(luma8(rgb)) if whole else luma(rgb)


def _with_chroma(fused: Tensor, rgb: Tensor, released: bool) -> Tensor:
    coloured = add_chroma(fused, rgb).clamp(0, 1)
    return from_uint8(to_uint8(coloured)) if released else coloured


def _check(rgb: Tensor, ir: Tensor, method: str, colour: bool) -> None:
    if method not in METHODS and method not in RULES:
        raise ValueError(f"unknown method {method!r}; expected one of {', '.join([*METHODS, *RULES])}")
    check_image(rgb, name="rgb")
    check_image(ir, channels=1, name="ir")
    for name, image in (("rgb", rgb), ("ir", ir)):
        if image.ndim != 4:
            got = tuple(image.shape)
            raise ValueError(f"{name}: expected (B,C,H,W), got {got}; add a batch axis with {name}[None]")
    if (len(rgb), *rgb.shape[2:]) != (len(ir), *ir.shape[2:]):
        raise ValueError(
            f"expected rgb and ir of one batch and size, got {tuple(rgb.shape)} and {tuple(ir.shape)}; "
            "the two must show the same pixels: crop or resize them first"
        )
    if min(rgb.shape[2:]) < 2:
        raise ValueError(f"expected images of at least 2x2 pixels, got {tuple(rgb.shape)}; take larger ones")
    if rgb.device != ir.device:
        raise ValueError(f"expected rgb and ir on one device, got {rgb.device} and {ir.device}; move one: ir.to(...)")
    if colour and rgb.shape[1] == 1:
        raise ValueError("colour: expected rgb with three channels, got a grey image; next: leave colour=False")


def fuse_set(
    pairs: Dataset,
    out: Path | str,
    method: str = "lrrnet",
    *,
    colour: bool = False,
    released: bool = True,
    device: torch.device | str = "cpu",
) -> list[Path]:
    """Fuse every pair of a data set into OUT/NAME.png, with a progress bar; returns the files, in the set's order.

    pairs: has the fields rgb and ir: data.load("roadscene"), or a folder of your own,
    data.own_images("mine", "photos", rgb="colour", ir="thermal"). The other arguments are those of `fuse`; with
    `released` the files hold what the method's own code would have written. ValueError for a set without these fields,
    and the errors of `fuse`.
    """
    from tqdm.auto import tqdm

    if not {"rgb", "ir"} <= set(pairs.fields):
        raise ValueError(f"{pairs.name}: expected the fields rgb and ir, got {', '.join(pairs.fields)}")
    written = []
    for sample in tqdm(pairs.select("rgb", "ir"), total=len(pairs), desc=method, unit="pair"):
        rgb = sample["rgb"][None].to(device)
        ir = sample["ir"][None].to(device)
        fused = fuse(rgb, ir, method, colour=colour, released=released)
        path = Path(out) / f"{sample['name']}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_image(path, fused[0].cpu())
        written.append(path)
    return written
