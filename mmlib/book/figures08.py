"""The figures of chapter 8, so that its notebooks show each of them in one line.

`runs` are those that `read_records("tsjnet")` gives, `numbers` is the frame of their numbers on MiniStreet at preset
night, `networks` are what `published()` gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from scipy.stats import rankdata
from torch import Tensor, nn

from mmlib import show
from mmlib.book import figures, real
from mmlib.book.figures import PRESET, SETS, public_runs, record, title_of
from mmlib.book.numbers import Runs, absent, interval, mean, missing, note, plain, plus_minus
from mmlib.fusion import add_chroma, rules
from mmlib.fusion.measure import column
from mmlib.health import silent
from mmlib.images import luma
from mmlib.metrics.fusion import CONVENTIONS, HIGHER_IS_BETTER
from mmlib.results import Key, load_claims, read_records
from mmlib.show.html import Html

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

PAPER = "tsjnet"
CAMOUFLAGE = (0, 50, 100)

IMAGES = {
    "visible": "visible image",
    "infrared": "infrared image",
    "average": "average",
    "maximum": "maximum",
    "tsjnet": "TSJNet",
    "skip": "correction (ours)",
    "false_colour": "false colour",
    "stacked": "both stacked",
}
CONTROLS = {"skip_ir_shuffled": "correction, another street's infrared", "skip_ir_zeroed": "correction, no infrared"}
GREY = {"maximum_grey": "maximum, without colours", "skip_grey": "correction, without colours"}
GUIDED = {
    "tsjnet": "TSJNet",
    "tsjnet_without_guidance": "TSJNet, no guidance",
    "skip": "correction",
    "skip_without_detector": "correction, no detector",
    "skip_without_segmenter": "correction, no segmenter",
}
STRENGTHS = {
    "skip_guidance_x1": "correction, guidance of weight 1",
    "skip_guidance_x30": "correction, guidance of weight 30",
}
BRANCHES = {
    "skip": "correction",
    "skip_without_nat": "correction, no NAT",
    "skip_without_dsm": "correction, no DSM",
    "skip_pyramid": "correction, target: what stands out",
    "tsjnet": "TSJNet",
    "tsjnet_without_nat": "TSJNet, no NAT",
    "tsjnet_without_dsm": "TSJNet, no DSM",
}
NAMES = IMAGES | CONTROLS | GREY | GUIDED | STRENGTHS | BRANCHES
PARTS = ("NAT, encoder", "NAT, fusion", "attention", "DSM, encoder", "DSM, fusion", "gates")


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: streets and rules


def _street(size: tuple[int, int], **knobs: str | float) -> dict:
    return figures.busiest_street(size, ("rgb", "ir", "labels", "boxes", "box_labels"), **knobs)


def night_street(size: tuple[int, int], time: str = "night") -> dict:
    """A street with people in it: rgb (1, 3, H, W), ir (1, 1, H, W), labels (1, H, W), boxes and box_labels."""
    return _street(size, time=time)


def opening(street: Mapping[str, Tensor]) -> Html:
    """Two ways to make one image of a night street, with a line to drag."""
    return show.compare(
        _by_rule(rules.average, street),
        _by_rule(rules.maximum, street),
        labels=("average", "maximum"),
        alt="A night street with both its images averaged, and with the brighter of them at each pixel",
        caption="The night street of chapter 7 in one image, by two rules.",
    )


def _by_rule(rule: Callable[[Tensor, Tensor], Tensor], street: Mapping[str, Tensor]) -> Tensor:
    """A street fused by a rule, in the visible image's colours: (3, H, W)."""
    return figures.in_colour(rule(luma(street["rgb"]), street["ir"]), street["rgb"])


def _false_colour(rgb: Tensor, ir: Tensor) -> Tensor:
    """Luma in red, infrared in green, their difference in blue: (B, 3, H, W)."""
    vis = luma(rgb)
    return torch.cat([vis, ir, 0.5 + (vis - ir) / 2], dim=1)


def idea() -> Html:
    """The network and its guides, as a drawing."""
    box, arrow, line = figures.box, figures.arrow, figures.line
    drawn = [
        box(4, 4, 84, "visible"),
        box(4, 52, 84, "infrared"),
        box(120, 28, 84, "encoder", figures.BLUE),
        box(236, 4, 108, "fuse bases", figures.BLUE),
        box(236, 52, 108, "fuse details", figures.BLUE),
        box(236, 104, 108, "decoder", figures.BLUE),
        box(236, 156, 108, "fused"),
        box(120, 208, 84, "detector", figures.ORANGE),
        box(236, 208, 108, "segmenter", figures.ORANGE),
        line("M88 21L120 42M88 69L120 48"),
        line("M204 40L236 21M204 50L236 69"),
        arrow((344, 21), (354, 21), (354, 121), (344, 121)),
        arrow((290, 86), (290, 104)),
        arrow((290, 138), (290, 156)),
        arrow((290, 190), (290, 208)),
        arrow((236, 173), (188, 173), (188, 208)),
        line("M236 232L204 232", stroke="#c04a00"),  # the segmenter's loss goes the same way
        arrow((138, 208), (138, 121), (236, 121), stroke="#c04a00"),
        '<text x="132" y="150" fill="currentColor" text-anchor="end" font-size="12">losses, in training</text>',
    ]
    said = "One encoder reads visible and infrared. Bases and details are fused, a decoder makes the fused image. A "
    said += "detector and a segmenter read it, and in training their losses go back into the network."
    return figures.drawing(drawn, 246, said, "TSJNet in one figure. Orange: trained before, then frozen.")


def window_slider() -> Html:
    """The window of neighbourhood attention for some places of a small map."""
    from mmlib.models.tsjnet import gather_windows

    height, width = 10, 14
    numbers = torch.arange(height * width).float().view(1, 1, 1, height, width)
    near = gather_windows(numbers, 7)[0, 0, 0].long()  # (H, W, 49)
    pictures = []
    for row, col in ((5, 7), (0, 7), (2, 1), (0, 0), (9, 13)):
        canvas = torch.zeros(height * width)
        canvas[near[row, col]] = 0.5
        canvas[row * width + col] = 1
        large = canvas.view(height, width).repeat_interleave(16, 0).repeat_interleave(16, 1)
        pictures.append(show.colour(large, "viridis", 0, 1))
    return show.frames(
        pictures,
        names=["in the middle", "at the top", "near a corner", "in the corner", "in the last corner"],
        alt="A grid of 10 x 14 places with one place and the 7 x 7 places of its window",
        caption="The brightest place attends to the green ones. Near the border the window stays inside.",
    )


RELEASED = 45_133_055
"""Parameters of the released network, counted by running it."""

NEVER_USED = {
    "a layer norm, a pooling and a head in each of two NAT branches": 2 * (128 + 2 * (64 * 64 + 64)),
    "spatial attention in each of two detail branches": 2 * 8 * (8 + 1),
}


def parameters() -> Html:
    """Every parameter of the released network accounted for."""
    from mmlib.models.tsjnet import TSJNet

    with torch.device("meta"):
        net = TSJNet()
    total = figures.count(net)
    attention = [*net.fuse_base.parameters(), *net.encoder.base.parameters()]
    share = sum(p.numel() for p in attention) / total
    rows = [["the released network", RELEASED], *([f"- {key}", -value] for key, value in NEVER_USED.items())]
    rows += [["what remains", RELEASED - sum(NEVER_USED.values())], ["ours, counted above", total]]
    return show.table(
        [[label, float(number)] for label, number in rows],
        columns=["", "parameters"],
        formats=",.0f",
        caption="Every parameter accounted for",
        footer=f"What is subtracted is built, saved and loaded in the release, and never called. {share:.0%} of ours "
        "sit in the two NAT branches, which cost little time, because they work on 1/16 of the places and fewer.",
    )


def rule_losses(size: tuple[int, int], count: int) -> dict[str, dict[str, float]]:
    """The fusion loss of images without learning on so many val streets: by image, its three terms and their sum."""
    from mmlib.models.tsjnet import fusion_losses
    from mmlib.scenes import drawn, split_seeds

    streets = drawn(split_seeds("val", count), size=size, fields=("rgb", "ir"))
    vis, ir = luma(streets["rgb"]), streets["ir"]
    simple = {
        "visible": vis,
        "infrared": ir,
        "average": rules.average(vis, ir),
        "maximum": rules.maximum(vis, ir),
        "Laplacian pyramid": rules.laplacian_pyramid(vis, ir),
    }
    found = {}
    for name, image in simple.items():
        out = {"fused": image, "vis": vis, "ir": ir, "gates": torch.ones(1, 8, 1, 1)}
        terms = fusion_losses(out, vis, ir)
        three = {key: float(terms[key]) for key in ("grey", "edges", "structure")}
        found[name] = three | {"sum": sum(three.values())}
    return found


def loss_of_rules(losses_of: Mapping[str, Mapping[str, float]], count: int) -> Html:
    """What the fusion loss says of images without learning. losses_of: from `rule_losses`, with its `count`."""
    return show.table(
        [[name, *terms.values()] for name, terms in losses_of.items()],
        columns=["image", "grey", "edges", "structure", "sum"],
        formats=".2f",
        best=dict.fromkeys(("grey", "edges", "structure", "sum"), "min"),
        caption=f"The fusion loss of images without learning, on {count} streets",
    )


def two_targets(street: Mapping[str, Tensor]) -> Html:
    """What the grey term wants: the maximum, or what stands out."""
    vis, ir = luma(street["rgb"]), street["ir"]
    return show.images(
        [
            (vis[0], "visible, luma"),
            (ir[0], "infrared"),
            (rules.maximum(vis, ir)[0], "maximum: the paper's target"),
            (rules.laplacian_pyramid(vis, ir)[0], "what stands out: ours"),
        ],
        columns=2,
        width=400,
        alt="A night street as luma, as infrared, and as both targets of the grey term",
    )


def cells_of(street: Mapping) -> Html:
    """The cells of the detector's grid that answer for a box."""
    from mmlib.detect.targets import assign

    boxes = street["boxes"][0]
    height, width = (side // 4 for side in street["rgb"].shape[-2:])
    index = assign(boxes, height, width)
    cells = torch.where(index < 0, 0.0, 0.35 + 0.6 * (index % 3) / 2)
    cells = cells.repeat_interleave(4, 0).repeat_interleave(4, 1)
    return show.images(
        [
            (show.boxes(street["rgb"][0], boxes, thickness=1), "true boxes"),
            (show.colour(cells, "viridis", 0, 1), "cells that answer for one"),
        ],
        columns=2,
        width=380,
        pixelated=True,
        alt="A street with a box around each person and car, and the grid with a few marked cells near each middle",
        caption="What the detector is to say: each marked cell answers for the box around it.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: training, watched


def guides_table(runs: Runs, now: Mapping[str, float]) -> Html:
    """How good the guides are: of the published runs with both, or of this page."""
    found = [run for seed in range(3) if (run := record(runs, "tsjnet", seed=seed)) is not None]
    scores = [run.values["guides"] for run in found] or [now]
    rows = []
    for kind, measure in (("detector", "mAP@0.5"), ("segmenter", "mIoU")):
        row = [f"{kind}, {measure}"]
        for image in ("visible", "infrared", "average"):
            values = [100 * one[f"{kind}, {image}"] for one in scores if f"{kind}, {image}" in one]
            row.append(fmean(values) if values else None)
        rows.append(row)
    trained = f"Mean of {len(found)} guides of each kind." if found else "The short training on this page."
    return show.table(
        rows,
        columns=["guide", "visible luma", "infrared", "average"],
        formats=".1f",
        caption="What the guides find in windows of val streets, in points",
        footer=trained,
    )


GROUPS = {
    "grey, edges, structure": ("grey", "edges", "structure"),
    "reconstruction": ("reconstruction, vis", "reconstruction, ir"),
    "detector": ("detector, class", "detector, box"),
    "segmenter": ("segmenter",),
}


def _curves(ax, columns: Mapping[str, Sequence[float]], first: int) -> int:
    """Draw the groups of terms of one stage from step `first` on; the number of the next step."""
    count = 0
    for number, (label, terms) in enumerate(GROUPS.items()):
        listed = [columns[f"term {term}"] for term in terms if f"term {term}" in columns]
        if listed:
            values = [sum(together) for together in zip(*listed)]
            count = len(values)
            known = ax.get_legend_handles_labels()[1]
            ax.plot(range(first, first + count), values, color=f"C{number}", label=None if label in known else label)
    return first + count


def losses(logs: Mapping[str, object]) -> Html:
    """The terms of the loss over start and guidance, from the logs of this page."""
    stages = [log.columns for log in logs.values() if log]

    def draw(ax) -> None:
        place = 0
        for columns in stages:
            place = _curves(ax, columns, place)
        ax.set(xlabel="step", ylabel="loss", yscale="log")
        ax.set_ylim(top=8 * ax.get_ylim()[1])
        ax.legend(ncols=2, loc="upper right")

    return show.plot(
        draw,
        alt="The terms of the loss over the steps: fusion and reconstruction, then the guides' losses as well",
        caption="The first steps, just now. Where the guides' curves begin, guidance begins.",
    )


def learning(runs: Runs) -> Html:
    """The fusion loss of the published runs of seed 0 over the start."""
    found = {name: run for name in ("tsjnet", "skip") if (run := record(runs, name)) is not None}
    if not found:
        return missing("Learning curves")
    line = found[next(iter(found))].values["val"]["maximum"]["sum"]

    def draw(ax) -> None:
        for number, (name, run) in enumerate(found.items()):
            columns = run.values["learning"]["start"]
            terms = [columns[f"term {term}"] for term in ("grey", "edges", "structure")]
            values = [sum(together) for together in zip(*terms)]
            share = [i / len(values) for i in range(len(values))]
            ax.plot(share, values, color=f"C{number}", label=IMAGES[name])
        ax.axhline(line, linestyle="--", linewidth=1, color="C6", label="maximum, on val streets")
        ax.set(xlabel="share of the start", ylabel="grey + edges + structure", yscale="log")
        ax.legend()

    return show.plot(
        draw,
        alt="The fusion loss during the start, of the paper's form and of the correction, with the maximum's as a line",
        caption="The published runs of seed 0, on windows of training streets.",
    )


def own_loss(numbers: pandas.DataFrame, now: Mapping[str, Mapping[str, float]]) -> Html:
    """The fusion loss on val streets of each network and of the rules. now: of what this page has made, by name."""
    rows = []
    for name in ("average", "maximum", *GUIDED, "skip_without_nat", "skip_without_dsm"):
        row = [mean(numbers, name, f"val.loss.{term}") for term in ("grey", "edges", "structure", "sum")]
        if None not in row:
            rows.append([NAMES[name], *(value / 100 for value in row)])
    footer = "Mean over seeds."
    if not rows:
        if not now:
            return missing("The fusion loss")
        rows = [[name, *(loss[term] for term in ("grey", "edges", "structure", "sum"))] for name, loss in now.items()]
        footer = "No run is published yet."
    return show.table(
        rows,
        columns=["image", "grey", "edges", "structure", "sum"],
        formats=".2f",
        best={"sum": "min"},
        caption="The fusion loss on val streets",
        footer=footer,
    )


def health_of(runs: Runs, now: object) -> Html:
    """The health of the published run of seed 0, or of the short training. now: its log."""
    return figures.run_health(record(runs, "tsjnet"), now.health, without="detector")


def published() -> dict[str, nn.Module]:
    """The published networks of seed 0 that are there, by name, ready to use; detectors under "finds_NAME"."""
    from mmlib.detect.net import Detector
    from mmlib.models.tsjnet import CorrectedMaximum, TSJNet

    made = {"tsjnet": TSJNet(16, 1, 2), "tsjnet_without_guidance": TSJNet(16, 1, 2)}
    made["skip"] = CorrectedMaximum(TSJNet(16, 1, 2))
    for trained_on in ("roadscene", "msrs"):
        made[f"tsjnet_from_{trained_on}"] = TSJNet(16, 1, 2)
        made[f"skip_from_{trained_on}"] = CorrectedMaximum(TSJNet(16, 1, 2))
    for name in ("visible", "infrared", "false_colour", "skip"):
        made[f"finds_{name}"] = Detector(3, 3, 16)
    return figures.with_weights(PAPER, made)


def _fused(net: nn.Module, rgb: Tensor, ir: Tensor) -> Tensor:
    """A pair fused by a network, in the visible image's colours, (1, 3, H, W) in [0, 1]."""
    from mmlib.models.tsjnet import fuse

    return add_chroma(fuse(net, luma(rgb), ir), rgb).clamp(0, 1)


def fused_night(networks: Mapping[str, nn.Module]) -> Html:
    """One night street: sources, rules, and what the published networks make of it."""
    street = night_street((192, 256))
    rgb, ir = street["rgb"], street["ir"]
    pictures = _without_network(street)
    for name in ("tsjnet", "skip"):
        if name in networks:
            pictures.append((_fused(networks[name], rgb, ir)[0], IMAGES[name]))
    note = "" if "tsjnet" in networks else " The networks' images follow when they are published."
    return show.images(
        pictures,
        columns=3,
        width=256,
        alt="A street at night, visible and infrared, and made into one image by three rules and by the networks",
        caption=f"A night street. False colour: luma in red, infrared in green, their difference in blue.{note}",
    )


def _without_network(street: Mapping[str, Tensor]) -> list[tuple[Tensor, str]]:
    """A street's two images, and the ways to make one of them that need no network, with their names."""
    rgb, ir = street["rgb"], street["ir"]
    return [
        (rgb[0], "visible"),
        (ir[0], "infrared"),
        (_by_rule(rules.average, street), "average"),
        (_by_rule(rules.maximum, street), "maximum"),
        (_false_colour(rgb, ir)[0], "false colour"),
    ]


def _found(name: str, networks: Mapping[str, nn.Module], street: Mapping) -> tuple[Tensor, dict[str, Tensor]] | None:
    """The image that a published detector reads of a street, and its boxes with a score of 0.3 or more."""
    from mmlib.detect.decode import decode

    if f"finds_{name}" not in networks or (name == "skip" and "skip" not in networks):
        return None
    rgb, ir = street["rgb"], street["ir"]
    images = {
        "visible": lambda: rgb,
        "infrared": lambda: ir.expand(-1, 3, -1, -1),
        "false_colour": lambda: _false_colour(rgb, ir),
        "skip": lambda: _fused(networks["skip"], rgb, ir),
    }
    image = images[name]()
    with torch.no_grad():
        (found,) = decode(networks[f"finds_{name}"](image), least=0.3)
    return image[0], found


def _marked(image: Tensor, found: Mapping[str, Tensor], truth: Tensor) -> Tensor:
    """An image with the boxes that were found: red where no true box overlaps by half."""
    from torchvision.ops import box_iou

    boxes = found["boxes"]
    right = torch.zeros(len(boxes), dtype=torch.bool)
    if len(boxes) and len(truth):
        right = box_iou(boxes, truth).amax(dim=1) >= 0.5
    image = show.boxes(image, boxes[right], thickness=1)
    return show.boxes(image, boxes[~right], tint=figures.WRONG, thickness=1)


def what_is_found(networks: Mapping[str, nn.Module], size: tuple[int, int]) -> Html:
    """What each published detector finds in one street while people and cars fade from the visible image."""
    names = [name for name in ("visible", "infrared", "skip", "false_colour") if f"finds_{name}" in networks]
    if not names:
        return missing("What a detector finds")
    drawn = []
    for percent in CAMOUFLAGE:
        street = _street(size, time="night", camouflage=percent / 100)
        truth = street["boxes"][0]
        pictures = [(show.boxes(street["rgb"][0], truth, thickness=1), "true boxes")]
        for name in names:
            if read := _found(name, networks, street):
                pictures.append((_marked(*read, truth), IMAGES[name]))
        drawn.append(pictures)
    return show.frames(
        drawn,
        names=[f"camouflage {percent} %" for percent in CAMOUFLAGE],
        width=256,
        pixelated=True,
        alt="A night street with true boxes and with the boxes that detectors find in each kind of image",
    )


@torch.no_grad()
def gates(networks: Mapping[str, nn.Module], now: nn.Module | None, size: tuple[int, int]) -> Html:
    """The eight gates of a network for the night street. now: the page's own, shown while none is published."""
    net = networks.get("skip") or networks.get("tsjnet") or now
    if net is None:
        return missing("The gates")
    street = night_street(size)
    device = next(net.parameters()).device
    _, maps = net.eval()(luma(street["rgb"]).to(device), street["ir"].to(device))
    pictures = [(show.colour(one, "magma", 0, 1), f"gate {number}") for number, one in enumerate(maps[0].cpu(), 1)]
    return show.images(
        pictures,
        columns=4,
        width=160,
        pixelated=True,
        alt="Eight maps of how far each gate is open in the night street",
        caption="Dark: closed. Bright: open." + (" The short training on this page." if net is now else ""),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: the autopsy


SLIPS = {
    "none": "tsjnet",
    "labels": "slip_labels",
    "clipping": "slip_clipping",
    "decay": "slip_decay",
    "red": "slip_red",
    "head": "slip_head",
    "released": "slip_released",
}


def slips_recorded(runs: Runs) -> bool:
    """Whether all runs with slips are published, so that the page need not train."""
    return all(record(runs, variant) is not None for variant in SLIPS.values())


def slips_in_pictures(street: Mapping[str, Tensor]) -> Html:
    """The red channel beside the luma."""
    rgb = street["rgb"]
    return show.compare(
        rgb[0, :1],
        luma(rgb)[0],
        labels=("red", "luma"),
        alt="The night street as its red channel and as its luma",
        caption="Where the two differ, the network learns from one and is tested on the other.",
    )


def _trainings(runs: Runs, now: Mapping[str, object]) -> tuple[dict[str, tuple[dict, dict]], str]:
    """Columns and health of each slip's training, and a sentence that says which."""
    if slips_recorded(runs):
        found = {}
        for slip, variant in SLIPS.items():
            run = record(runs, variant)
            found[slip] = (run.values["learning"]["tuning"], run.health)
        return found, "The published runs of seed 0, from a start without slips."
    return {slip: (log.columns, log.health) for slip, log in now.items()}, "The short training on this page."


def autopsy_curves(runs: Runs, now: Mapping[str, object]) -> Html:
    """Loss and gradient norm of a training with each slip."""
    found, which = _trainings(runs, now)
    if not found:
        return missing("The autopsy")

    def draw(fig) -> None:
        above, below = fig.subplots(2, 1, sharex=True)
        for number, (slip, (columns, _)) in enumerate(found.items()):
            terms = [columns[f"term {term}"] for term in ("grey", "edges", "structure")]
            style = {"color": f"C{number % 7}", "label": slip, "linewidth": 2.4 if slip == "none" else 1.2}
            above.plot([sum(together) for together in zip(*terms)], **style)
            below.plot(columns["gradient"], **style)
        above.set(ylabel="fusion loss", yscale="log")
        below.set(ylabel="gradient norm", yscale="log", xlabel="step" if now else "part of the training")
        above.legend(ncols=3, fontsize=8)

    return show.plot(
        draw,
        size=(5.4, 4.6),
        alt="The fusion loss and the gradient norm of seven trainings, one without slips, five with one, one with all",
        caption=f"{which} The gradient norm is the one before clipping.",
    )


def autopsy_table(runs: Runs, now: Mapping[str, object]) -> Html:
    """What each slip leaves: losses at the end, and which parts are silent."""
    found, which = _trainings(runs, now)
    if not found:
        return missing("The autopsy")
    rows = []
    for slip, (columns, health) in found.items():
        tail = {name: fmean(values[-4:]) for name, values in columns.items()}
        guides = [tail.get(f"term {term}") for term in ("detector, class", "detector, box", "segmenter")]
        ends = {part: readings["end"] for part, readings in health.items()}
        dead = sorted(set(silent(health)) - {"detector"})
        rows.append(
            [
                slip,
                sum(tail[f"term {term}"] for term in ("grey", "edges", "structure")),
                sum(value for value in guides if value is not None),
                tail["gradient"],
                100 * ends["NAT, encoder"].get("varies", 0.0),
                100 * ends["NAT, fusion"].get("varies", 0.0),
                ", ".join(dead) or "none",
            ]
        )
    return show.table(
        rows,
        columns=["slip", "fusion loss", "guides", "gradient", "NAT, encoder, %", "NAT, fusion, %", "silent"],
        formats={"fusion loss": ".2f", "guides": ".2f", "gradient": ".1f"}
        | dict.fromkeys(("NAT, encoder, %", "NAT, fusion, %"), ".1f"),
        caption="The end of each training",
        footer=f"{which} The percentages say how much a branch adds, relative to what it is added to.",
        cards=True,
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? MiniStreet


COLUMNS = ("test.day.map50", "test.night.map50", "test.fog.map50", "camouflage_100.map50")


def what_an_image_carries(numbers: pandas.DataFrame) -> Html:
    """One mark per run at night, for each kind of image; a line joins the runs of a seed. Without runs, the images."""
    if mean(numbers, "visible", "test.night.map50") is None:
        return figures.until_then(_five_ways(), "What a detector finds in each")
    chosen = ("visible", "average", "maximum", "skip", "infrared", "false_colour", "stacked")
    return figures.seed_by_seed(
        numbers,
        "test.night.map50",
        {name: IMAGES[name] for name in chosen},
        {name: {"color": "C3" if name == "skip" else "C0", "marker": "o"} for name in chosen},
        axis="mAP@0.5 at night, points",
        alt="Mean average precision at night of every run, for seven ways to hand two images to a detector",
        caption="Streets at night. One mark per run; a line joins the runs of a seed.",
    )


def _five_ways() -> Html:
    return show.images(
        _without_network(night_street((192, 256))),
        columns=3,
        width=256,
        alt="A street at night, visible and infrared, and made into one image by three rules",
        caption="One night street in the five ways that need no network. False colour: luma in red, infrared in green, "
        "their difference in blue.",
    )


def arms(numbers: pandas.DataFrame) -> Html:
    """Every kind of image, above the floor."""
    if mean(numbers, "visible", "test.map50") is None:
        return missing("Floor and rivals")
    floors = [metric.replace("map50", "floor") for metric in COLUMNS]
    rows = [["boxes that look at no image (floor)", *(mean(numbers, "visible", floor) for floor in floors)]]
    for name, text in (IMAGES | GREY | CONTROLS).items():
        scores = [mean(numbers, name, metric) for metric in COLUMNS]
        if any(score is not None for score in scores):
            rows.append([text, *scores])
    return show.table(
        rows,
        columns=["what the detector sees", "day", "night", "fog", "night, all hidden"],
        formats=".1f",
        best=dict.fromkeys(("day", "night", "fog", "night, all hidden"), "max"),
        caption="mAP@0.5, mean over seeds, in points",
        footer="All hidden: people, riders and cars are in the infrared image alone.",
    )


def _listed(numbers: pandas.DataFrame, names: Mapping[str, str], what: str, caption: str) -> Html:
    """Variants with intervals for all streets, night and full camouflage, and their fusion loss."""
    rows = []
    for name, text in names.items():
        found = [interval(numbers, name, metric) for metric in ("test.map50", *COLUMNS[1::2])]
        rows.append([text, *(plus_minus(one) for one in found), plain(numbers, name, "val.loss.sum")])
    return figures.scored(
        what,
        rows,
        columns=["network", "all streets", "night", "all hidden", "fusion loss"],
        formats={"fusion loss": ".2f"},
        caption=caption,
        footer="mAP@0.5 in points with half the width of the 95% interval; the fusion loss is that of val streets.",
    )


def guidance(numbers: pandas.DataFrame) -> Html:
    """Both guides, either, none, less and more of them."""
    return _listed(numbers, GUIDED | STRENGTHS, "Guidance", "What guidance adds")


def branches(numbers: pandas.DataFrame) -> Html:
    """The network without one of its branches, and with another target."""
    return _listed(numbers, BRANCHES, "The branches", "What the branches add")


def twice(numbers: pandas.DataFrame) -> Html:
    """What twice the steps change, on the seeds that have both."""
    caption = "mAP@0.5 on all test streets after the published steps and after twice as many, points"
    return figures.twice(numbers, "test.map50", NAMES, caption, "Starts and guides are the same.")


def judged_health(runs: Runs) -> Html:
    """The worst reading of each part at the end of training, over all judged runs of a variant."""
    footer = "For NAT, varies is relative to the features that the branch is added to."
    return figures.judged_health(runs, GUIDED | BRANCHES | CONTROLS, PARTS, ("varies",), footer=footer)


RATES = {"start_rate_3e4": "3e-4", "tsjnet": "1e-3", "start_rate_3e3": "3e-3", "start_rate_5e3": "5e-3"}


def rates(runs: Runs) -> Html:
    """What of the network survives at which rate of the start; one run each."""
    rows = []
    for variant, rate in RATES.items():
        run = record(runs, variant)
        if run is None:
            continue
        ends = {part: readings["end"] for part, readings in run.health.items()}
        adds = [100 * ends[part].get("varies", 0.0) for part in ("NAT, encoder", "NAT, fusion")]
        dead = sorted(set(silent(run.health)) - {"detector"})
        rows.append([rate, run.values["val"]["loss"]["sum"], *adds, ", ".join(dead) or "none"])
    return figures.scored(
        "Learning rates and what they leave alive",
        rows,
        columns=["rate", "fusion loss", "NAT, encoder, %", "NAT, fusion, %", "silent"],
        formats={"fusion loss": ".2f", "NAT, encoder, %": ".1f", "NAT, fusion, %": ".1f"},
        caption="Rate of the start: the fusion loss on val streets, and how much each branch adds at the end",
        footer="One run each, seed 0.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? The rivals


LEARNED_FROM = {"roadscene": "msrs", "msrs": "roadscene", "tno": "roadscene"}


def _ours(runs: Runs, test: str, variant: str) -> list[Mapping]:
    """What our runs measured on a set, having learned from another one."""
    found = []
    for key, run in runs.items():
        learned = key.data.split("-")[0]
        if (key.variant, key.preset, learned) == (variant, PRESET, LEARNED_FROM[test]) and test in run.values:
            found.append(run.values[test])
    return found


def by_convention(test: str) -> dict[str, dict[str, tuple[float, float]]]:
    """The mean rank of public methods and rules on a set: {convention: {method: (rank, half its 95% interval)}}.

    The interval is over pairs: they are drawn anew, with replacement, a few hundred times.
    """
    runs = public_runs(test)
    return {name: _places(figures.public_methods(runs, name)) for name in CONVENTIONS}


def _places(methods: Mapping[str, figures.PairByPair], draws: int = 300) -> dict[str, tuple[float, float]]:
    """Each method's mean rank over the metrics and pairs that all have, and half its interval over pairs."""
    if not methods:
        return {}
    metrics, pairs = figures.of_all(methods)
    values = np.array(
        [[[found[metric][name] for name in pairs] for metric in metrics] for found in methods.values()]
    )  # (methods, metrics, pairs)
    sign = np.array([-1 if HIGHER_IS_BETTER[metric] else 1 for metric in metrics])[None, :, None]

    def ranked(chosen: np.ndarray) -> np.ndarray:
        """The mean ranks, (methods,)."""
        return rankdata(chosen.mean(axis=2), axis=0).mean(axis=1)

    values = sign * values
    dice = np.random.default_rng(0)
    drawn = [ranked(values[:, :, dice.integers(len(pairs), size=len(pairs))]) for _ in range(draws)]
    low, high = np.percentile(drawn, [2.5, 97.5], axis=0)
    halves = (high - low) / 2
    return {method: (float(rank), float(half)) for method, rank, half in zip(methods, ranked(values), halves)}


def five_rankings(test: str) -> Html:
    """Public methods and rules on a real set, by their mean rank under each of five conventions."""
    found = by_convention(test)
    methods = list(found["tsjnet"])
    if len(methods) < 2:
        return missing(f"The rankings on {SETS[test]}")
    rows = []
    for method in sorted(methods, key=lambda one: fmean(ranks[one][0] for ranks in found.values())):
        ranks = [found[name][method] for name in CONVENTIONS]
        rows.append([method, *(rank for rank, _ in ranks), max(half for _, half in ranks)])
    metrics = ", ".join(f"{name} {len(found)}" for name, found in CONVENTIONS.items())
    return show.table(
        rows,
        columns=["method", *CONVENTIONS, "±"],
        formats=dict.fromkeys(CONVENTIONS, ".1f") | {"±": ".1f"},
        best=dict.fromkeys(CONVENTIONS, "min"),
        caption=f"{SETS[test]}: mean rank of {len(methods)} methods under five conventions",
        footer=f"Metrics of each: {metrics}. ±: half the 95% interval over pairs, the widest of the five.",
        sortable=True,
    )


def where_methods_end_up() -> Html:
    """One mark per set and convention for every method: its mean rank."""
    found = {test: by_convention(test) for test in SETS}
    found = {test: ranks for test, ranks in found.items() if len(ranks["tsjnet"]) > 1}
    if not found:
        return missing("The rankings under five conventions")
    methods = set.intersection(*(set(ranks["tsjnet"]) for ranks in found.values()))
    spread = {one: [ranks[name][one][0] for ranks in found.values() for name in CONVENTIONS] for one in methods}
    order = sorted(methods, key=lambda one: -fmean(spread[one]))

    def draw(ax: Axes) -> None:
        """A row for each method, a colour for each set, a shape for each convention."""
        for colour, (test, ranks) in enumerate(found.items()):
            for marker, name in zip("o^sDv", CONVENTIONS):
                x = [ranks[name][one][0] for one in order]
                y = [row + 0.22 * (colour - (len(found) - 1) / 2) for row in range(len(order))]
                label = SETS[test] if marker == "o" else None
                ax.plot(x, y, linestyle="", marker=marker, color=f"C{colour}", markersize=4.5, label=label)
        ax.set_yticks(range(len(order)), order)
        ax.set_xlabel("mean rank, 1 is best")
        ax.grid(axis="x", alpha=0.3)
        ax.legend(fontsize="small", loc="upper right", ncols=len(found))
        ax.set_ylim(-0.6, len(order) + 0.2)

    told = "From the best: " + ", ".join(reversed(order))
    words = ("circle", "triangle", "square", "diamond", "triangle on its tip")
    shapes = ", ".join(f"{name} {word}" for name, word in zip(CONVENTIONS, words))
    return show.plot(
        draw,
        alt=f"Mean ranks of every method, a mark for each set and convention. {told}",
        caption=f"A row for each method, a mark for its mean rank on one set under one convention ({shapes}).",
        size=(5.4, 0.6 + 0.36 * len(order)),
    )


def orders_kept(tests: Sequence[str]) -> tuple[int, int]:
    """How many pairs of methods keep their order under every convention on all these sets, and how many there are."""
    rankings = [ranks for test in tests for ranks in by_convention(test).values() if ranks]
    methods = sorted(set.intersection(*(set(ranks) for ranks in rankings))) if rankings else []
    kept = 0
    pairs = list(combinations(methods, 2))
    for a, b in pairs:
        ahead = [ranks[a][0] < ranks[b][0] for ranks in rankings]
        kept += all(ahead) or not any(ahead)
    return kept, len(pairs)


def leaderboard(runs: Runs, test: str) -> Html:
    """Public methods, rules and our networks on a real set, metric by metric under the convention tsjnet."""
    methods = figures.public_methods(public_runs(test))
    if tested := _ours(runs, test, "tsjnet"):
        methods["TSJNet, trained here"] = figures.pair_by_pair(tested, "fused")
        methods["average"] = figures.pair_by_pair(tested, "average")
        methods["maximum"] = figures.pair_by_pair(tested, "maximum")
    if tested := _ours(runs, test, "skip"):
        methods["correction (ours), trained here"] = figures.pair_by_pair(tested, "fused")
    if not methods:
        return missing(f"The leaderboard on {SETS[test]}")
    footer = "± SSIM: half the 95% interval over pairs. Learned methods run with their authors' weights."
    return figures.ranking(methods, f"{SETS[test]}, convention tsjnet. Click a column to sort by it.", footer)


def checked_cells() -> list[tuple[str, str, str, str, float, float]]:
    """The paper's cells that its rivals' weights can check: set, method, measure, printed, measured, off in percent."""
    claims = load_claims("rivals")
    there = read_records("rivals")
    rows = []
    for cell in claims.cells:
        wanted = cell.measure
        run = there.get(Key("rivals", wanted.variant, wanted.data, wanted.preset, 0)) if wanted else None
        if run is not None and cell.value is not None:
            ours = run.values["test"][cell.metric]
            off = 100 * (ours / float(cell.value) - 1)
            rows.append((SETS[cell.table], cell.row, cell.column, cell.value, ours, off))
    return rows


def cells_that_come_out() -> dict[str, tuple[int, int]]:
    """How many cells of each rival that was run again come out within 1 %, and of how many; VIF isn't counted."""
    counts: dict[str, tuple[int, int]] = {}
    for _, method, measure, _, _, off in checked_cells():
        if measure != "VIF":
            near, of = counts.get(method, (0, 0))
            counts[method] = (near + (abs(off) < 1), of + 1)
    return counts


def rivals_judged() -> Html:
    """The paper's cells of rivals beside what their authors' weights give, and how far apart they are."""
    return figures.scored(
        "The rivals' cells, measured again",
        checked_cells(),
        columns=["set", "method", "measure", "printed", "measured", "off, %"],
        formats={"measured": ".4g", "off, %": "+.1f"},
        caption="Cells of the paper's tables that its rivals' own weights can check",
        sortable=True,
    )


def releases(test: str) -> Html:
    """TarDAL's row of a printed table beside what each of its releases gives. test: the table, such as "roadscene"."""
    there = public_runs(test)
    cells = {c.metric: c for c in load_claims("rivals").cells if (c.table, c.row) == (test, "TarDAL")}
    names = sorted(name for name in there if name.startswith("tardal"))
    if len(names) < 2:
        return missing("TarDAL's releases")
    rows = [["printed", *(float(cell.value) for cell in cells.values())]]
    for name in names:
        scores = there[name].values["test"]
        off = fmean(abs(scores[metric] / float(cell.value) - 1) for metric, cell in cells.items() if metric != "vif")
        rows.append([title_of(name), *(scores[metric] for metric in cells), 100 * off])
    rows[0].append(None)
    return show.table(
        rows,
        columns=["", *(cell.column for cell in cells.values()), "off, %"],
        formats={cell.column: ".4g" for cell in cells.values()} | {"off, %": ".1f"},
        caption=f"Which TarDAL did the paper run on {SETS[test]}?",
        footer="Off: the mean distance from the printed cells, VIF left out.",
    )


def vif_variants() -> Html:
    """VIF of the rivals in four ways, beside the printed cells."""
    claims = load_claims("rivals")
    there = read_records("rivals")
    rows = []
    for cell in claims.cells:
        if cell.metric != "vif" or cell.measure is None or cell.value is None:
            continue
        run = there.get(Key("rivals", cell.measure.variant, cell.measure.data, cell.measure.preset, 0))
        if run is not None:
            both = run.values["pictures"][column("tsjnet", "vif")]
            means = [fmean(fmean(pair) for pair in both), fmean(sum(pair) for pair in both), fmean(map(max, both))]
            rows.append([SETS[cell.table], cell.row, cell.value, *means, run.values["test"]["vif_reversed"]])
    return figures.scored(
        "Which VIF the paper prints",
        rows,
        columns=["set", "method", "printed", "mean", "sum", "larger", "reversed"],
        formats=".3f",
        caption="VIF with each source, joined in three ways, and their mean with the fused image as the reference",
    )


def cost() -> Html:
    """Seconds and memory of each method per RoadScene pair, on one core."""
    rows = []
    for method, run in public_runs("roadscene").items():
        rows.append([title_of(method), run.values["time"]["median_s"], run.peak_memory_mib])
    rows.sort(key=lambda row: row[1])
    return figures.scored(
        "Time and memory",
        rows,
        columns=["method", "seconds a pair", "peak memory, MiB"],
        formats={"seconds a pair": ".2f", "peak memory, MiB": ".0f"},
        caption="Fusing a pair of RoadScene on one core",
        footer="Peak memory of the whole process, measures included.",
        sortable=True,
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? Boxes on real pictures


def real_boxes() -> Html:
    """MSRS's annotated boxes in five folds: what a detector finds in each kind of image."""
    from mmlib.results import t_interval

    scores: dict[str, list[list[float]]] = {}
    for key, run in sorted(read_records("boxes").items()):
        if key.preset == PRESET:
            scores.setdefault(key.variant, []).append(run.values["folds"])
    if not scores:
        return missing("Boxes in five folds")
    labels = load_claims("boxes").labels
    rows = []
    for variant, seeds in scores.items():
        by_run = [100 * fmean(folds) for folds in seeds]
        by_fold = [100 * fmean(column) for column in zip(*seeds)]
        over_seeds = t_interval(by_run).half if len(by_run) > 1 else None
        rows.append([labels.get(variant, variant), fmean(by_run), over_seeds, t_interval(by_fold).half, len(seeds)])
    rows.sort(key=lambda row: -row[1])
    return show.table(
        rows,
        columns=["what the detector sees", "mAP@0.5", "± seeds", "± folds", "seeds "],
        formats={"mAP@0.5": ".1f", "± seeds": ".1f", "± folds": ".1f", "seeds ": ".0f"},
        caption="MSRS, 361 pairs in five folds: each picture is tested once. Points",
        footer="Half widths of 95% intervals, over seeds and over folds.",
        sortable=True,
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? Real pictures and the paper's numbers


@torch.no_grad()
def real_night(networks: Mapping[str, nn.Module]) -> Html:
    """A real pair at night: inputs, rules, and what the networks make of it."""
    from mmlib.data import available, load

    if not available("msrs"):
        return absent("A real night", "msrs")
    if not real.others_allowed():
        return note(real.HELD_BACK)
    pair = load("msrs", boxes=None)[figures.REAL_NIGHT]
    rgb = F.interpolate(pair["rgb"][None], scale_factor=0.5, mode="area")
    ir = F.interpolate(pair["ir"][None], scale_factor=0.5, mode="area")
    pictures = [(rgb[0], "visible"), (ir[0], "infrared")]
    pictures.append((figures.in_colour(rules.maximum(luma(rgb), ir), rgb), "maximum"))
    for net in ("tsjnet_from_roadscene", "skip_from_roadscene"):
        if net in networks:
            pictures.append((_fused(networks[net], rgb, ir)[0], IMAGES[net.removesuffix("_from_roadscene")]))
    return show.images(
        pictures,
        columns=2,
        width=320,
        alt="A real street at night in both images, and fused by the maximum and by our networks",
        caption=f"MSRS (Tang et al., 2022), pair {figures.REAL_NIGHT}. The networks have learned from RoadScene and "
        "MiniStreet.",
    )


MEASURES = ("SSIM", "PSNR", "MSE", "VIF", "CC", "CV")


def paper_block(table: str) -> Html:
    """A block of the paper's tables with all methods, TSJNet's rank in each column, and what is doubted."""
    claims = load_claims(PAPER)
    cells = [cell for cell in claims.cells if cell.table == table]
    methods = list(dict.fromkeys(cell.row for cell in cells))
    by = {(cell.row, cell.column): cell for cell in cells}
    rows = []
    for method in methods:
        row = [method]
        for measure in MEASURES:
            cell = by[method, measure]
            row.append((cell.value or "missing") + (f" (perhaps {cell.instead})" if cell.instead else ""))
        rows.append(row)
    doubted = "In brackets what the authors' radar chart shows, within 2 %, where a row repeats another block."
    ranks = paper_ranks(table)
    counted = {measure: sum(by[m, measure].value is not None for m in methods) for measure in MEASURES}
    last = ["TSJNet's rank"]
    for measure, place in ranks.items():
        last.append("unknown" if place is None else f"{place} of {counted[measure]}")
    return show.table(
        [*rows, last],
        columns=["method", *MEASURES],
        caption=f"{claims.table_titles[table]}, as printed",
        footer="Lower is better for MSE and CV." + (f" {doubted}" if any(cell.instead for cell in cells) else ""),
    )


def paper_ranks(table: str) -> dict[str, int | None]:
    """TSJNet's printed rank in each column of a block; None where its cell is missing."""
    claims = load_claims(PAPER)
    found: dict[str, int | None] = {}
    for measure in MEASURES:
        cells = [c for c in claims.cells if c.table == table and c.column == measure and c.value is not None]
        own = next((float(cell.value) for cell in cells if cell.row == "TSJNet"), None)
        if own is None:
            found[measure] = None
            continue
        sign = 1 if cells[0].better == "lower" else -1
        found[measure] = 1 + sum(sign * float(cell.value) < sign * own for cell in cells)
    return found


def abstracts() -> Html:
    """The gains that the abstracts of both versions state."""
    caption = "Average gains over other methods, in percent, as printed"
    return figures.printed(PAPER, "abstract", "abstract of", caption=caption)
