"""Fuse two folders of pictures into a third, by any method of the book.

    python -m mmlib.fuse --method lrrnet --ir photos/thermal --vi photos/visible -o fused/lrrnet
    python -m mmlib.fuse --method tsjnet --weights mine/checkpoint --set roadscene -o fused/tsjnet

Methods: the classical rules and learned methods of `mmlib.fusion`, and the book's own TSJNet and SegMiF, by published
weights or yours. Colour is kept, any size will do. The files are called after the visible pictures.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmlib.data import Dataset, load
from mmlib.data.own import load_pairs
from mmlib.fusion import METHODS, RULES, add_chroma, fuse, rules
from mmlib.images import luma, write_image
from mmlib.starts import part_of, read_weights

if TYPE_CHECKING:
    from mmlib.models.segmif import FusionNet
    from mmlib.models.tsjnet import CorrectedMaximum, TSJNet

Fuser = Callable[[Tensor, Tensor], Tensor]
"""Visible (B, 3, H, W) and infrared (B, 1, H, W) in [0, 1] -> fused luma (B, 1, H, W) in [0, 1]."""

PAPERS = ("tsjnet", "segmif")
SMALLEST = 8  # pixels a side has for SegMiF, whose guide looks at quarters of quarters


# --- the book's own networks


def load_tsjnet(weights: Path | str | None = None) -> TSJNet | CorrectedMaximum:
    """TSJNet, or its variant `skip`, ready to use, of the size that its weights have.

    weights: see `mmlib.starts.read_weights`; None: the published ones. FileNotFoundError, with the next step, for
    absent weights, ValueError for those of another network.
    """
    from mmlib.models.tsjnet import CorrectedMaximum, DetailBranch, TSJNet

    state = _state("tsjnet", weights)
    corrects = any(name.startswith("net.") for name in state)
    inner = part_of(state, "net") if corrects else state
    try:
        width = inner["encoder.base.norm.weight"].numel()
        levels = {int(name.split(".")[3]) for name in inner if name.startswith("encoder.base.levels.")}
        pixels = inner["encoder.embed.1.weight"].shape[1]
        with_detail = any(name.startswith("encoder.detail.") for name in inner)
        detail = DetailBranch if with_detail else _no_detail
        net = TSJNet(width, len(levels), math.isqrt(pixels), detail)
        whole = CorrectedMaximum(net) if corrects else net
        whole.load_state_dict(state)
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(f"tsjnet: expected weights of TSJNet, got others ({_first(error)})") from None
    return whole.eval().requires_grad_(False)


def _no_detail(width: int) -> nn.Module:
    return nn.Identity()


def load_segmif(weights: Path | str | None = None) -> tuple[FusionNet, nn.Module]:
    """SegMiF's fusion network and its guide, ready to use. Arguments and errors as `load_tsjnet`."""
    from mmlib.models.segmif import FusionNet, hia

    state = _state("segmif", weights)
    fusion_state = part_of(state, "fusion")
    guide_state = part_of(state, "guide")
    try:
        width = fusion_state["stem_ir.weight"].shape[0]
        growth = fusion_state["drdb1_ir.convs.0.weight"].shape[0]
        layers = sum(name.startswith("drdb1_ir.convs.") and name.endswith(".weight") for name in fusion_state)
        channels = (fusion_state["seg1.weight"].shape[1], fusion_state["seg2.weight"].shape[1])
        fusion = FusionNet(hia(width), width, growth, layers, channels)
        fusion.load_state_dict(fusion_state)
        guide = _guide(guide_state)
    except (KeyError, RuntimeError) as error:
        raise ValueError(
            f"segmif: expected weights of SegMiF with HIA, got others ({_first(error)}); next: those of variant segmif"
        ) from None
    return fusion.eval().requires_grad_(False), guide


def _guide(state: dict[str, Tensor]) -> nn.Module:
    """The frozen first two stages of the encoder that these weights are of."""
    from mmlib.backbones.mit import MiT
    from mmlib.backbones.mobilenet import MIDDLE, MobileNetV2
    from mmlib.models.segmif import MobileNetEncoder, frozen_copy

    for kind in ("mobilenet", "tiny", "b0", "b1", "b2", "b3"):
        encoder = MobileNetEncoder(MobileNetV2(16, MIDDLE)) if kind == "mobilenet" else MiT(kind)
        guide = frozen_copy(encoder)
        try:
            guide.load_state_dict(state)
        except RuntimeError:
            continue
        return guide
    raise RuntimeError("a guide of another encoder")


def _state(paper: str, weights: Path | str | None) -> dict[str, Tensor]:
    if weights is not None:
        return read_weights(weights)
    from mmlib.results import load_weights

    try:
        return load_weights(f"{paper}/{paper}")
    except FileNotFoundError:
        raise FileNotFoundError(
            f"{paper}: no weights are published with this copy of the book; next: train it (nbs/*_{paper}.ipynb with "
            "-p out FOLDER) and name its weights by --weights"
        ) from None


def _first(error: Exception) -> str:
    return str(error).strip().splitlines()[-1].strip()[:120]


# --- one call for all


def fuser(method: str, weights: Path | str | None = None, device: torch.device | str = "cpu") -> Fuser:
    """What fuses images by a method: a key of METHODS or RULES, "tsjnet", "segmif", or a beginning that fits only one.

    weights: of tsjnet and segmif; None: the published ones. ValueError for an unknown method, or weights with another
    method; the errors of `load_tsjnet`.
    """
    name = full_name(method)
    if weights is not None and name not in PAPERS:
        raise ValueError(f"weights: expected them with {' or '.join(PAPERS)} only, got method {name}; next: leave them")
    if name == "tsjnet":
        from mmlib.models import tsjnet

        net = load_tsjnet(weights).to(device)
        return lambda rgb, ir: tsjnet.fuse(net, luma(rgb), ir).clamp(0, 1)
    if name == "segmif":
        from mmlib.models import segmif

        fusion, guide = (part.to(device) for part in load_segmif(weights))

        @torch.no_grad()
        def by_segmif(rgb: Tensor, ir: Tensor) -> Tensor:
            if min(rgb.shape[-2:]) < SMALLEST:
                raise ValueError(f"segmif: expected sides of {SMALLEST} or more, got {tuple(rgb.shape[-2:])}")
            target = rules.by_saliency(luma(rgb), ir)
            return segmif.fuse(fusion, guide, rgb, ir, target).clamp(0, 1)

        return by_segmif
    return lambda rgb, ir: fuse(rgb, ir, name, released=True)


def full_name(method: str) -> str:
    """The one method that `method` is, or begins: "laplacian" is laplacian_pyramid. ValueError lists them all."""
    names = [*RULES, *METHODS, *PAPERS]
    hits = [method] if method in names else [name for name in names if method and name.startswith(method)]
    if len(hits) != 1:
        raise ValueError(f"unknown method {method!r}; expected one of {', '.join(names)}")
    return hits[0]


def fuse_folder(
    pairs: Dataset,
    out: Path | str,
    method: str = "lrrnet",
    *,
    weights: Path | str | None = None,
    colour: bool = True,
    device: torch.device | str = "cpu",
) -> list[Path]:
    """Fuse every pair of a set into OUT/NAME.png, with a progress bar; returns the files, in the set's order.

    colour: give the fused picture the chroma of the visible one; else it is grey. Other arguments and errors: `fuser`.
    ValueError for a set without rgb and ir.
    """
    from tqdm.auto import tqdm

    if not {"rgb", "ir"} <= set(pairs.fields):
        raise ValueError(f"{pairs.name}: expected the fields rgb and ir, got {', '.join(pairs.fields)}")
    fuse_one = fuser(method, weights, device)
    Path(out).mkdir(parents=True, exist_ok=True)
    written = []
    for sample in tqdm(pairs.select("rgb", "ir"), total=len(pairs), desc=method, unit="pair"):
        rgb = sample["rgb"][None].to(device)
        fused = fuse_one(rgb, sample["ir"][None].to(device))  # (1, 1, H, W)
        if colour:
            fused = add_chroma(fused, rgb).clamp(0, 1)
        path = Path(out) / f"{sample['name']}.png"
        write_image(path, fused[0].cpu())
        written.append(path)
    return written


# --- the command


def add_pairs(parser: argparse.ArgumentParser) -> None:
    """The options that say which pairs: --set NAME, or --ir DIR and --vi DIR, and how these are read."""
    parser.add_argument("--set", help="a data set of the book, such as roadscene")
    parser.add_argument("--vi", type=Path, help="folder of your visible pictures")
    parser.add_argument("--ir", type=Path, help="folder of your infrared pictures")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th pair only, for a first look")
    parser.add_argument("--pattern", help="regular expression with one group, the part of a name that tells the pair")
    parser.add_argument(
        "--ir-range", type=float, nargs=2, metavar=("LOW", "HIGH"), help="raw values for black and white"
    )
    parser.add_argument(
        "--ir-percentiles", type=float, nargs=2, metavar=("LOW", "HIGH"), help="the same, of each picture"
    )
    parser.add_argument("--resample", choices=("rgb", "ir"), help="whose size a pair gets if its two sizes differ")


def chosen_pairs(words: argparse.Namespace) -> Dataset:
    """The pairs that the options name. ValueError unless they name one of the two kinds."""
    if words.every < 1:
        raise ValueError(f"--every: expected a whole number of 1 or more, got {words.every}; next: --every 9")
    return _all_pairs(words)[:: words.every]


def _all_pairs(words: argparse.Namespace) -> Dataset:
    if words.set and not (words.ir or words.vi):
        return load(words.set)
    if words.set or not (words.ir and words.vi):
        raise ValueError("expected --set NAME, or --ir DIR and --vi DIR; next: give one of the two")
    return load_pairs(
        rgb=words.vi,
        ir=words.ir,
        pattern=words.pattern,
        ir_range=tuple(words.ir_range) if words.ir_range else None,
        ir_percentiles=tuple(words.ir_percentiles) if words.ir_percentiles else None,
        resample=words.resample,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 if something was wrong, said in one line."""
    parser = argparse.ArgumentParser(prog="python -m mmlib.fuse", description="Fuse two folders of pictures.")
    add_pairs(parser)
    parser.add_argument("--method", required=True, help=", ".join([*RULES, *METHODS, *PAPERS]))
    parser.add_argument("--weights", type=Path, help="checkpoint folder or .safetensors file, for tsjnet and segmif")
    parser.add_argument("--grey", action="store_true", help="write the fused luma, without colour")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("-o", "--out", type=Path, required=True, help="folder for the fused pictures")
    words = parser.parse_args(arguments)
    try:
        written = fuse_folder(
            chosen_pairs(words),
            words.out,
            words.method,
            weights=words.weights,
            colour=not words.grey,
            device=words.device,
        )
    except (ValueError, TypeError, OSError) as error:
        print(f"mmlib.fuse: {error}", file=sys.stderr)
        return 2
    print(f"{len(written)} pictures in {words.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
