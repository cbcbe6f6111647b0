"""The figures of chapter 7, so that its notebooks show each of them in one line.

`runs` are those that `read_records("segmif")` gives, `numbers` is the frame of their numbers on MiniStreet at preset
night, `networks` are what `published()` gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib import show
from mmlib.book import figures, real
from mmlib.book.figures import PRESET, record
from mmlib.book.numbers import Runs, absent, gain, mean, missing, note, plain
from mmlib.files import read_state
from mmlib.fusion import rules
from mmlib.health import UNIFORM, silent
from mmlib.images import luma
from mmlib.results import Key, load_claims, read_records
from mmlib.show.html import Html, tag

if TYPE_CHECKING:
    import pandas

    from mmlib.models.segmif import FusionNet, SegMiF

PAPER = "segmif"
CAMOUFLAGE = (0, 25, 50, 75, 100)

ARMS = {
    "rgb": "RGB alone",
    "ir": "infrared alone",
    "average": "average",
    "maximum": "maximum",
    "saliency": "its target",
    "stacked": "both stacked",
    "fuse_then_segment": "fused first",
    "segmif": "SegMiF",
}
CONTROLS = {"ir_shuffled": "another street's infrared", "ir_zeroed": "no infrared"}
BLOCKS = {
    "segmif": "HIA",
    "soam_only": "SoAM alone",
    "moam_only": "MoAM alone",
    "concatenation": "concatenation",
    "addition": "addition",
    "no_feedback": "no feedback",
    "released_guide": "HIA, features of the target",
    "constant_weights": "HIA, constant weights",
}
NAMES = ARMS | CONTROLS | {name: text for name, text in BLOCKS.items() if name != "segmif"}
LOOKS = {
    "rgb": {"color": "C0", "marker": "o"},
    "ir": {"color": "C1", "marker": "s"},
    "average": {"color": "C4", "marker": "^"},
    "stacked": {"color": "C2", "marker": "D"},
    "segmif": {"color": "C3", "marker": "P"},
    "ir_shuffled": {"color": "C6", "marker": "x"},
}
PARTS = ("HIA ir", "HIA vis", "SoAM", "MoAM")


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: streets and rules


opening = figures.two_images


def night_street(size: tuple[int, int]) -> dict[str, Tensor]:
    """A street at night with people in it: rgb (1, 3, H, W), ir (1, 1, H, W), labels (1, H, W)."""
    return _street(size, time="night")


def _street(size: tuple[int, int], **knobs: str | float) -> dict[str, Tensor]:
    return figures.busiest_street(size, ("rgb", "ir", "labels"), **knobs)


def four_rules(street: Mapping[str, Tensor]) -> Html:
    """Four ways to fuse a street without learning."""
    vis, ir = luma(street["rgb"]), street["ir"]
    pictures = [
        (rules.average(vis, ir)[0], "average"),
        (rules.maximum(vis, ir)[0], "maximum"),
        (rules.laplacian_pyramid(vis, ir)[0], "Laplacian pyramid"),
        (rules.by_saliency(vis, ir)[0], "by saliency: SegMiF's target"),
    ]
    return show.images(
        pictures,
        columns=2,
        width=400,
        alt="The night street, visible and infrared fused into one grey image by four rules",
        caption="Four ways to fuse without learning.",
    )


def how_the_target_is_made(street: Mapping[str, Tensor]) -> Html:
    """Both saliency maps, the weight of the infrared image, and the target."""
    vis, ir = luma(street["rgb"]), street["ir"]
    pictures = [
        (show.colour(rules.saliency(vis)[0, 0], "magma", 0, 1), "saliency of the visible image"),
        (show.colour(rules.saliency(ir)[0, 0], "magma", 0, 1), "saliency of the infrared image"),
        (show.colour(rules.saliency_weight(vis, ir)[0, 0], "coolwarm", 0, 1), "weight of infrared: blue 0, red 1"),
        (rules.by_saliency(vis, ir)[0], "target"),
    ]
    return show.images(
        pictures,
        columns=2,
        width=400,
        alt="Saliency of the visible and of the infrared image, the infrared's weight at every pixel, and the target",
        caption="How the target is made.",
    )


def colours(street: Mapping[str, Tensor]) -> Html:
    """A fused luma before and after the visible image's colours come back."""
    fused = rules.by_saliency(luma(street["rgb"]), street["ir"])
    pictures = [
        (street["rgb"][0], "visible"),
        (fused[0], "fused luma (here: the target)"),
        (figures.in_colour(fused, street["rgb"]), "with the visible image's colours"),
    ]
    return show.images(
        pictures,
        columns=3,
        width=260,
        alt="The visible image, a fused luma, and the fused luma with the visible image's colours",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: the network


def idea() -> Html:
    """Fusion network and segmenter with what goes back and forth, as a drawing."""
    box, arrow, line = figures.box, figures.arrow, figures.line
    drawn = [
        box(4, 4, 84, "visible"),
        box(4, 56, 84, "infrared"),
        box(128, 30, 104, "fusion net Φ", figures.BLUE),
        box(272, 30, 84, "fused"),
        box(252, 120, 104, "segmenter Ψ", figures.ORANGE),
        box(272, 196, 84, "labels"),
        line("M88 21L128 40m-8 0l8 0l-4 -7"),
        line("M88 73L128 54m-8 0l8 0l-4 7"),
        arrow((232, 47), (272, 47)),
        arrow((314, 64), (314, 120)),
        arrow((314, 154), (314, 196)),
        arrow((252, 130), (200, 130), (200, 64), stroke="#2fa080"),
        arrow((252, 146), (160, 146), (160, 64), stroke="#c04a00"),
        '<text x="206" y="108" fill="currentColor" text-anchor="start" font-size="12">features</text>',
        '<text x="154" y="108" fill="currentColor" text-anchor="end" font-size="12">loss, in training</text>',
        f'<rect x="4" y="196" width="12" height="12" fill="{figures.GREEN}" stroke="#2fa080"/>',
        '<text x="22" y="207" fill="currentColor" text-anchor="start" font-size="12">what is where</text>',
        '<rect x="4" y="214" width="12" height="12" fill="#c04a0044" stroke="#c04a00"/>',
        '<text x="22" y="225" fill="currentColor" text-anchor="start" font-size="12">what was not read</text>',
    ]
    said = "Visible and infrared enter the fusion network, its fused image enters the segmenter, which gives labels. "
    said += "Features of the segmenter go back into the fusion network, and in training its loss does, too."
    return figures.drawing(drawn, 236, said, caption="SegMiF in one figure.")


def parameters() -> Html:
    """Parameters of the parts at the paper's size and at ours."""
    from mmlib.backbones.mit import MiT
    from mmlib.backbones.mobilenet import MIDDLE, MobileNetV2
    from mmlib.models import segmif as sm

    with torch.device("meta"):
        paper = sm.FusionNet(sm.hia()), sm.Segmenter(MiT("b3"), 9)
        encoder = sm.MobileNetEncoder(MobileNetV2(16, MIDDLE))
        ours = sm.FusionNet(sm.hia(32), 32, 16, 3, encoder.channels[:2]), sm.Segmenter(encoder, 11, 128)

    def parts(fusion: nn.Module, segmenter: nn.Module) -> dict[str, int]:
        return {
            "stems": figures.count(fusion.stem_ir, fusion.stem_vis),
            "dense blocks": figures.count(fusion.drdb1_ir, fusion.drdb1_vis, fusion.drdb2_ir, fusion.drdb2_vis),
            "HIA, used twice": figures.count(fusion.interaction),
            "1 x 1 convolutions before HIA": figures.count(fusion.seg1, fusion.seg2),
            "merging": figures.count(fusion.merge1, fusion.merge2, fusion.merge3, fusion.act),
            "fusion network": figures.count(fusion),
            "segmenter's encoder": figures.count(segmenter.encoder),
            "segmenter's head": figures.count(segmenter) - figures.count(segmenter.encoder),
        }

    theirs, mine = parts(*paper), parts(*ours)
    rows = [[name, f"{theirs[name]:,}", f"{mine[name]:,}"] for name in theirs]
    dead = theirs["HIA, used twice"]
    return show.table(
        rows,
        columns=["part", "paper's size", "ours"],
        caption="Parameters",
        footer=f"The release counts {dead:,} more in its fusion network: it makes a second HIA that it never uses. The "
        "paper's head is that for MFNet's 9 classes.",
    )


@torch.no_grad()
def _soam_tables(net: FusionNet, street: Mapping[str, Tensor], side: int) -> Iterator[Tensor]:
    """The tables G (1, heads, d, d) of SoAM for the infrared and the visible image, each `side` pixels square."""
    from mmlib.models import segmif as sm

    block = net.interaction
    vis = F.interpolate(luma(street["rgb"]), (side, side), mode="area")
    ir = F.interpolate(street["ir"], (side, side), mode="area")
    for image, stem, drdb, embed, kv in (
        (ir, net.stem_ir, net.drdb1_ir, block.embed_ir, block.soam.kv_ir),
        (vis, net.stem_vis, net.drdb1_vis, block.embed_vis, block.soam.kv_vis),
    ):
        tokens = sm.to_tokens(drdb(net.act(stem(image))))
        y, _ = embed(tokens).chunk(2, dim=-1)
        key, value = kv(y).chunk(2, dim=-1)
        yield sm.selection(key, value, block.soam.heads)


def harder_with_size(street: Mapping[str, Tensor]) -> Html:
    """How hard an untrained SoAM's choice is, by the size of the image."""
    from mmlib.models import segmif as sm

    torch.manual_seed(0)
    net = sm.FusionNet(sm.hia()).eval()
    rows = []
    for side in (64, 128, 256):
        found = [float(table.amax(dim=-2).mean()) for table in _soam_tables(net, street, side)]
        rows.append([f"{side} × {side}", side * side, sum(found) / 2])
    return show.table(
        rows,
        columns=["the same street at", "pixels", "largest weight in a column"],
        caption="SoAM of the paper's width, untrained",
        footer="Of 8 weights that sum to 1: 0.125 if all are equal, 1 for a hard choice.",
    )


def awake_at_the_start(street: Mapping[str, Tensor], start: Callable[[nn.Module, float], None], spread: float) -> Html:
    """The entropy of an untrained SoAM: the paper's network at its windows, and ours from narrow and wide weights.

    start: draws the weights behind SoAM's tables anew, with a deviation.  spread: ours.
    """
    from mmlib.models import segmif as sm

    rows = []
    for name, width, growth, layers, side, deviation in (
        ("the paper's", 64, 32, 5, 320, 0.02),
        ("ours", 32, 16, 3, 64, 0.02),
        ("ours", 32, 16, 3, 64, spread),
    ):
        torch.manual_seed(0)
        net = sm.FusionNet(sm.hia(width), width, growth, layers).eval()
        start(net.interaction, deviation)
        found = [_entropy(table) for table in _soam_tables(net, street, side)]
        rows.append([name, width, f"{side} × {side}", deviation, sum(found) / 2])
    return show.table(
        rows,
        columns=["network", "channels", "window", "weights start at", "entropy"],
        formats={"weights start at": ".2f", "entropy": ".4f"},
        caption="SoAM before any training",
        footer=f"Entropy of a column, relative to equal weights. From {UNIFORM} on, an attention is silent.",
    )


def _entropy(table: Tensor) -> float:
    """Mean entropy of the columns of a table (..., d, d), relative to that of equal weights."""
    return float(torch.special.entr(table).sum(dim=-2).mean()) / math.log(table.shape[-2])


TEMPERATURES = (0.1, 0.5, 1.0, 2.0, 10.0, 1000.0)


def dynamic_weights() -> object:
    """The weights of two losses against how one of them moves, for several temperatures."""

    def at(temperature: float) -> Html:
        ratios = torch.linspace(0.5, 1.5, 41)
        share = torch.stack([ratios, torch.ones(41)]).div(temperature).softmax(dim=0)

        def draw(ax) -> None:
            ax.axhline(1, linestyle="--", linewidth=1, color="C6")
            ax.plot(ratios, 2 * share[0], label="weight of this loss")
            ax.plot(ratios, 2 * share[1], label="weight of the other")
            ax.set(xlabel="this loss, now / one step ago", ylabel="weight", ylim=(-0.05, 2.05))
            ax.legend()

        return show.plot(draw, alt=f"Weights of two losses at temperature {temperature:g}")

    return show.explore(
        at,
        "temperature",
        TEMPERATURES,
        start=3,
        format=lambda value: f"{value:g}",
        alt="Weights of two losses against the first one's course, for temperatures from 0.1 to 1000",
        caption="One loss halves (left) or grows by half (right) in a step; the other stands still.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: training and the published networks


def losses(fusion: Sequence[object], segmenter: Sequence[float]) -> Html:
    """The fusion's loss in each round, and the segmenter's over all. fusion: the logs of its rounds."""

    def draw(fig) -> None:
        above, below = fig.subplots(2, 1)
        place = 0
        for number, log in enumerate(fusion, 1):
            above.plot(range(place, place + len(log.loss)), log.loss, label=f"round {number}", color=f"C{number}")
            place += len(log.loss)
        above.set(ylabel="fusion loss", ylim=(0, None), xlabel="step of the fusion")
        above.legend(ncols=3)
        below.plot(segmenter, color="C2")
        below.set(ylabel="cross-entropy", ylim=(0, None), xlabel="step of the segmenter")

    return show.plot(
        draw, size=(5.4, 4.4), alt="The loss of the fusion in each round, and of the segmenter over all rounds"
    )


def learning(runs: Runs) -> Html:
    """Val mIoU of the published runs of seed 0 after the pretraining and after each round."""
    chosen = ("rgb", "ir", "average", "stacked", "segmif")
    found = {arm: run for arm in chosen if (run := record(runs, arm)) is not None}
    if not found:
        return missing("Learning curves")

    def draw(ax) -> None:
        for arm, run in found.items():
            values = [math.nan if value is None else 100 * value for value in run.values["learning"]["miou"]]
            ax.plot(range(len(values)), values, label=ARMS[arm], **LOOKS[arm])
        ax.set(xticks=range(len(values)), xlabel="rounds done", ylabel="val mIoU, points")
        ax.legend(ncols=2)

    return show.plot(
        draw,
        alt="Mean IoU on val streets after each round, for the networks that read one image, both, or a fused one",
        caption="The published runs of seed 0. They start from one segmenter; a fused image exists from round 1.",
    )


def health_of(runs: Runs, now: Sequence[object]) -> Html:
    """The health of the fusion network of the published run of seed 0, or of the run on this page. now: its logs."""
    first, last = now[0].health, now[-1].health
    both = {part: {"start": first[part]["start"], "end": last[part]["end"]} for part in last}
    return figures.run_health(record(runs, "segmif"), both, without="segmenter")


def published() -> dict[str, SegMiF]:
    """The published networks of seed 0 that are there, by variant, ready to use."""
    from mmlib.backbones.mobilenet import MIDDLE, MobileNetV2
    from mmlib.models import segmif as sm

    made = {}
    for name in ("rgb", "average", "stacked", "segmif"):
        segmenter = sm.Segmenter(sm.MobileNetEncoder(MobileNetV2(16, MIDDLE)), 11, 128)
        fusion = None
        if name == "segmif":
            fusion = sm.FusionNet(sm.hia(32), 32, 16, 3, segmenter.encoder.channels[:2])
        made[name] = sm.SegMiF(segmenter, fusion, "fused" if fusion else name)
        if name == "stacked":
            sm.stack_infrared(made[name].segmenter.encoder)  # its guide was copied before
    return figures.with_weights(PAPER, made)


@torch.no_grad()
def _read(net: SegMiF, rgb: Tensor, ir: Tensor) -> tuple[Tensor, Tensor]:
    """What a network reads of a pair, as colour (3, H, W), and its labels (H, W)."""
    device = next(net.parameters()).device
    rgb, ir = rgb.to(device), ir.to(device)
    target = rules.by_saliency(luma(rgb), ir)
    image = net.image(rgb, ir, target)
    labels = net.segmenter(image).argmax(dim=1)[0].cpu()
    return image[0, :3].cpu(), labels


@torch.no_grad()
def what_hia_selects(networks: Mapping[str, SegMiF], size: tuple[int, int]) -> Html:
    """The table of SoAM's most decided head for the night street; each of its columns shows what it selects."""
    from mmlib.models.segmif import HIA, selection

    net = networks.get("segmif")
    if net is None or net.fusion is None or not isinstance(net.fusion.interaction, HIA):
        return missing("What HIA selects")
    soam = net.fusion.interaction.soam
    seen: list[tuple[tuple[Tensor, ...], tuple[Tensor, ...]]] = []
    hook = soam.register_forward_hook(lambda _, given, answer: seen.append((given, answer)))
    street = night_street(size)
    _read(net, street["rgb"], street["ir"])
    hook.remove()
    (y_ir, _, y_seg), (z_ir, _) = seen[-2]  # the last pass, at the first place
    key, value = soam.kv_ir(y_ir).chunk(2, dim=-1)
    tables = selection(key, value, soam.heads)[0].cpu()  # (heads, d, d)
    head = int(tables.amax(dim=1).mean(dim=1).argmax())
    table = tables[head]
    d = len(table)
    channels = slice(head * d, (head + 1) * d)
    query = y_seg[0, :, channels].T.unflatten(1, size).cpu()  # (d, H, W)
    answer = z_ir[0, :, channels].T.unflatten(1, size).cpu()
    frames, faces, names = [], [], []
    for j in range(d):
        first, second = table[:, j].argsort(descending=True)[:2].tolist()
        frames.append(
            [
                (show.colour(answer[j], "magma"), f"new channel {j + 1}"),
                (show.colour(query[first], "magma"), f"{table[first, j]:.2f} of channel {first + 1}"),
                (show.colour(query[second], "magma"), f"{table[second, j]:.2f} of channel {second + 1}"),
            ]
        )
        cells = []
        for i in range(d):
            blue = f"background:rgba(0,114,178,{float(table[i, j]):.3f})"
            style = f"display:block;width:1.6em;height:1.1em;border:1px solid #8886;{blue}"
            cells.append(tag("span", "", style=style))
        faces.append(Html("".join(cells), f"column {j + 1}"))
        names.append(f"new channel {j + 1}: {table[first, j]:.2f} of channel {first + 1}, the most")
    return show.pick(
        frames,
        faces=faces,
        names=names,
        width=256,
        pixelated=True,
        alt="Maps of a new channel and of the two channels of the segmenter that it mostly takes",
        caption=f"Head {head + 1} of {len(tables)} of SoAM, infrared. Below the maps its table G: rows are channels of "
        "the segmenter, columns the new ones. The bluer a cell, the larger its weight.",
    )


def whose() -> str:
    """Whose networks a page shows: a sentence for its captions."""
    return "The published networks of seed 0." if published() else "The network is that of this page's short training."


def _mistakes(image: Tensor, labels: Tensor, found: Tensor) -> Tensor:
    """Where `found` is wrong, red on the image (3, H, W); pixels without a label aren't wrong."""
    return show.overlay(image, (labels != 255) & (labels != found), tint=figures.WRONG, strength=0.75)


def fade_slider(networks: Mapping[str, SegMiF], size: tuple[int, int]) -> Html:
    """What each network finds in one street while its people, riders and cars fade from the RGB image."""
    drawn, names = [], []
    for percent in CAMOUFLAGE:
        street = _street(size, time="day", camouflage=percent / 100)
        labels = street["labels"][0]
        read = {name: _read(net, street["rgb"], street["ir"]) for name, net in networks.items()}
        pictures = [(street["rgb"][0], "RGB"), (street["ir"][0], "infrared")]
        if "segmif" in read:
            pictures.append((read["segmif"][0], "fused"))
        pictures.append((show.labels_to_rgb(labels), "labels"))
        pictures += [(show.labels_to_rgb(found), f"{NAMES[name]}: labels") for name, (_, found) in read.items()]
        for name, (image, found) in read.items():
            pictures.append((_mistakes(image, labels, found), f"{NAMES[name]}: mistakes"))
        drawn.append(pictures)
        names.append(f"camouflage {percent} %")
    return show.frames(
        drawn,
        names=names,
        start=4,
        width=256,
        pixelated=True,
        alt="RGB, infrared, fused image, labels, predictions and mistakes of each network, while people and cars fade",
        caption=whose(),
    )


def day_and_night(networks: Mapping[str, SegMiF], size: tuple[int, int]) -> Html:
    """One street by day and one at night: what each network reads, what it finds, and its mistakes."""
    pictures = []
    for time in ("day", "night"):
        street = _street(size, time=time)
        labels = street["labels"][0]
        pictures += [(street["rgb"][0], f"{time}: RGB"), (street["ir"][0], f"{time}: infrared")]
        pictures.append((show.labels_to_rgb(labels), f"{time}: labels"))
        for name, net in networks.items():
            image, found = _read(net, street["rgb"], street["ir"])
            pictures.append((image, f"{NAMES[name]} reads"))
            pictures.append((show.labels_to_rgb(found), f"{NAMES[name]} finds"))
            pictures.append((_mistakes(image, labels, found), f"{NAMES[name]}: mistakes"))
    return show.images(
        pictures,
        columns=3,
        width=256,
        pixelated=True,
        alt="Two streets with the image that each network reads, the labels that it finds, and its mistakes in red",
        caption=f"Mistakes are red. {whose()}",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? Arms and controls


def at_night(numbers: pandas.DataFrame) -> Html:
    """One mark per run at night; a line joins the runs of a seed. Without runs, what the segmenter gets to read."""
    if mean(numbers, "rgb", "test.night.miou") is None:
        return figures.until_then(_what_is_read(), "How well each is segmented")
    chosen = ("ir_shuffled", "ir", "rgb", "average", "stacked", "segmif")
    return figures.seed_by_seed(
        numbers,
        "test.night.miou",
        {arm: NAMES[arm] for arm in chosen},
        LOOKS,
        axis="mIoU at night, points",
        alt="Mean IoU at night of every run, for six ways to hand two images to a segmenter",
        caption="Streets at night. One mark per run; a line joins the runs of a seed.",
    )


def _what_is_read() -> Html:
    """One night street as the segmenter gets it, for the ways that make a picture without a network."""
    street = night_street((192, 256))
    rgb, ir = street["rgb"], street["ir"]
    vis = luma(rgb)
    pictures = [
        (rgb[0], "RGB alone"),
        (ir[0], "infrared alone"),
        (figures.in_colour(rules.average(vis, ir), rgb), "average"),
        (figures.in_colour(rules.by_saliency(vis, ir), rgb), "SegMiF's target"),
    ]
    return show.images(
        pictures,
        columns=4,
        width=256,
        alt="A night street in RGB, in infrared, and fused by the average and by saliency, in the colours of RGB",
        caption="One night street as the segmenter gets it. Stacked, it gets the first two as four channels.",
    )


TESTS = (
    ("test.day.miou", "test.day.floor"),
    ("test.night.miou", "test.night.floor"),
    ("test.fog.miou", "test.fog.floor"),
    ("test.night.movers", "test.night.floor_movers"),
    ("camouflage_100.movers", "camouflage_100.floor_movers"),
)


def arms(numbers: pandas.DataFrame) -> Html:
    """Every arm between the floor and the ceiling."""
    if mean(numbers, "rgb", "test.miou") is None:
        return missing("Floor, arms and ceiling")
    rows = [["blind guess (floor)", *(mean(numbers, "rgb", floor) for _, floor in TESTS)]]
    for arm, name in (ARMS | CONTROLS).items():
        scores = [mean(numbers, arm, metric) for metric, _ in TESTS]
        if any(score is not None for score in scores):
            rows.append([name, *scores])
    ceiling = [mean(numbers, "rgb", floor.replace("floor", "ceiling")) for _, floor in TESTS]
    rows.append(["always right, at 1/4 (ceiling)", *ceiling])
    return show.table(
        rows,
        columns=["what the segmenter reads", "day", "night", "fog", "night ", "camouflage 100 %"],
        groups=[("", 1), ("mIoU", 3), ("IoU of person, rider, car", 2)],
        formats=".1f",
        caption="Mean over seeds, in points",
    )


def fading(numbers: pandas.DataFrame) -> Html:
    """IoU of what moves against the camouflage of the RGB image."""
    chosen = ("rgb", "ir", "average", "stacked", "segmif", "ir_shuffled")
    curves = {arm: [mean(numbers, arm, f"camouflage_{p}.movers") for p in CAMOUFLAGE] for arm in chosen}
    curves = {arm: values for arm, values in curves.items() if None not in values}
    if not curves:
        return missing("What is found while people fade")

    def draw(ax) -> None:
        for arm, values in curves.items():
            ax.plot(CAMOUFLAGE, values, label=NAMES[arm], **LOOKS[arm])
        ax.set(xlabel="camouflage of the RGB image, %", ylabel="IoU of person, rider, car, points", ylim=(0, None))
        ax.legend(ncols=2)

    return show.plot(
        draw,
        size=(5.4, 3.8),
        alt="IoU of people, riders and cars against camouflage: what reads RGB alone falls, the others don't",
        caption="Mean over seeds.",
    )


def classes(numbers: pandas.DataFrame) -> Html:
    """IoU of each class at night, and what fusion adds to the better of the two images."""
    from mmlib.scenes import CLASSES

    chosen = ("rgb", "ir", "average", "stacked", "segmif")
    rows = []
    for name in CLASSES:
        row = [mean(numbers, arm, f"test.night.iou.{name}") for arm in chosen]
        if None not in row:
            rows.append([name, *row, row[-1] - max(row[:2]), row[-1] - row[3]])
    return figures.scored(
        "Single classes",
        rows,
        columns=["class", *(NAMES[arm] for arm in chosen), "− better single", "− stacked"],
        groups=[("", 1), ("IoU", 5), ("SegMiF", 2)],
        formats={"− better single": "+.1f", "− stacked": "+.1f"} | {NAMES[arm]: ".1f" for arm in chosen},
        caption="Streets at night: IoU of each class in points, mean over seeds",
        sortable=True,
    )


def helped_and_hurt(numbers: pandas.DataFrame) -> tuple[list[str], list[str]] | None:
    """The classes at night where fusion is clearly ahead of the better single image, and where it is clearly behind."""
    from mmlib.scenes import CLASSES

    helped, hurt = [], []
    for name in CLASSES:
        metric = f"test.night.iou.{name}"
        both = [gain(numbers, "segmif", arm, metric) for arm in ("rgb", "ir")]
        if None in both:
            return None
        if min(one.low for one in both) > 0:
            helped.append(name)
        if min(one.high for one in both) < 0:
            hurt.append(name)
    return helped, hurt


def twice(numbers: pandas.DataFrame) -> Html:
    """What twice the steps change, on the seeds that have both."""
    caption = "mIoU of all test streets after the published steps and after twice as many, points"
    return figures.twice(numbers, "test.miou", NAMES, caption)


def judged_health(runs: Runs) -> Html:
    """The worst reading of HIA's parts at the end of training, over all judged runs of a variant."""
    footer = "Entropy 1: the attention selects nothing. For HIA, varies is relative to the features it is added to."
    return figures.judged_health(runs, NAMES, PARTS, ("varies", "entropy"), footer=footer)


def blocks(numbers: pandas.DataFrame) -> Html:
    """HIA and what can stand in its place."""
    columns = {
        "test.miou": "mIoU, all streets",
        "test.night.miou": "mIoU, night",
        "camouflage_100.movers": "movers, camouflage 100 %",
    }
    caption = "Points, with half the width of the 95% interval"
    return figures.scores(numbers, BLOCKS, columns, "What stands in HIA's place", "block", caption)


STARTS = {
    "spread_as_released": ("1e-3", "0.02"),
    "segmif": ("1e-3", "0.07"),
    "spread_twice": ("1e-3", "0.14"),
    "fusion_rate_1e4": ("1e-4", "0.07"),
    "fusion_rate_3e4": ("3e-4", "0.07"),
    "fusion_rate_3e3": ("3e-3", "0.07"),
    "fusion_rate_8e3": ("8e-3", "0.07"),
}


def rates(runs: Runs) -> Html:
    """What of the attention survives at which learning rate of the fusion and from which weights; one run each."""
    rows = []
    for variant, (rate, spread) in STARTS.items():
        run = record(runs, variant)
        if run is None:
            continue
        ends = {part: readings["end"] for part, readings in run.health.items()}
        never = max(100 * ends[part].get("never", 0.0) for part in ("embedding ir", "embedding vis", "embedding seg"))
        dead = sorted(set(silent(run.health)) - {"segmenter"})
        distance = run.values["val"]["quality"]["distance"]["fused"]
        score = 100 * run.values["val"]["miou"]
        rows.append([rate, spread, distance, score, never, ends["SoAM"].get("entropy"), ", ".join(dead) or "none"])
    return figures.scored(
        "Rates and starts, and what they leave alive",
        rows,
        columns=["rate", "weights start at", "distance", "val mIoU", "dead, %", "SoAM's entropy", "silent parts"],
        formats={"distance": ".3f", "val mIoU": ".1f", "dead, %": ".0f", "SoAM's entropy": ".3f"},
        caption="Learning rate of the fusion and start of its attention: distance from the target, and what is alive",
        footer="One run each, seed 0, val streets. Dead: channels of the worst of HIA's embeddings.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? The fused images


KINDS = {"fused": "SegMiF", "target": "its target", "average": "average", "maximum": "maximum"}


def quality(numbers: pandas.DataFrame) -> Html:
    """Fusion metrics on val streets, and the mean rank among the four."""
    from mmlib.metrics.fusion import HIGHER_IS_BETTER
    from mmlib.metrics.pairs import mean_rank

    metrics = ("en", "sd", "sf", "ag", "mi", "ssim", "qabf", "vif")
    values = {
        kind: {metric: plain(numbers, "segmif", f"val.quality.{kind}.{metric}") for metric in metrics} for kind in KINDS
    }
    if any(value is None for row in values.values() for value in row.values()):
        return missing("The quality of the fused images")
    places = mean_rank(values, metrics, HIGHER_IS_BETTER.__getitem__)
    rows = []
    for kind, name in KINDS.items():
        distance = plain(numbers, "segmif", f"val.quality.distance.{kind}")
        rows.append([name, places[kind], distance, *values[kind].values()])
    return show.table(
        rows,
        columns=["image", "mean rank", "distance", *metrics],
        formats={"mean rank": ".2f", "distance": ".3f"} | dict.fromkeys(metrics, ".3g"),
        best={"mean rank": "min"} | dict.fromkeys(metrics, "max"),
        caption="Fused images of val streets, mean over seeds (convention: dominant)",
        footer="Distance: mean absolute difference from the target. Higher is better for all eight metrics.",
    )


def vifb_places(runs: Runs, data: str) -> dict[str, float] | None:
    """Mean ranks on VIFB of 14 published methods, SegMiF, its target and the average; None without records."""
    from mmlib.metrics.fusion import HIGHER_IS_BETTER
    from mmlib.metrics.pairs import mean_rank

    published_board = read_records("measuring").get(Key("measuring", "default", "vifb-original", "laptop", 0))
    ours = [run for key, run in runs.items() if (key.variant, key.data, key.preset) == ("segmif", data, PRESET)]
    if published_board is None or not ours:
        return None
    board = published_board.values["scores"]["vifb"]
    methods = next(iter(board.values()))
    rows = {name: {metric: sum(board[metric][name]) / len(board[metric][name]) for metric in board} for name in methods}
    for kind, name in (("fused", "SegMiF"), ("target", "its target"), ("average", "average")):
        rows[name] = {m: sum(run.values["vifb"]["mean"][kind][m] for run in ours) / len(ours) for m in board}
    return mean_rank(rows, list(board), HIGHER_IS_BETTER.__getitem__)


def vifb(runs: Runs) -> Html:
    """The leaderboard of VIFB with SegMiF, its target and the average in it."""
    found = {data: vifb_places(runs, data) for data in TRAINED_ON}
    found = {data: places for data, places in found.items() if places is not None}
    if not found:
        return missing("VIFB's leaderboard")
    names = sorted(next(iter(found.values())), key=lambda name: min(places[name] for places in found.values()))
    rows = [[name, *(places[name] for places in found.values())] for name in names]
    return show.table(
        rows,
        columns=["method", *(f"trained on {TRAINED_ON[data]}" for data in found)],
        formats=".2f",
        sortable=True,
        caption="VIFB: mean of the ranks by its thirteen metrics, of 17",
        footer="14 published methods from chapter 3's record, and three of ours. SegMiF: mean over seeds.",
    )


TRAINED_ON = {"roadscene-original": "RoadScene", "msrs-jpeg92": "MSRS"}


def learned_rivals(runs: Runs, trained: str, test: str) -> Html:
    """A real set: SegMiF, its target, the average, and the learned methods whose records are there.

    trained: the data variant that SegMiF learned from.  test: the name of the set, such as "roadscene".
    """
    tested = []
    for key, run in runs.items():
        if (key.variant, key.data, key.preset) == ("segmif", trained, PRESET) and test in run.values:
            tested.append(run.values[test])
    if not tested:
        return missing(f"Learned methods on {test}")
    methods = figures.public_methods(figures.public_runs(test))
    for kind in ("fused", "target", "average"):
        methods[KINDS[kind]] = figures.pair_by_pair(tested, kind)
    caption = f"{figures.SETS[test]}; SegMiF has learned from {TRAINED_ON[trained]} and MiniStreet"
    footer = f"Convention: tsjnet. SegMiF: mean of {len(tested)} seeds. The others: their authors' weights, chapter 8. "
    return figures.ranking(methods, caption, footer + "± SSIM: half the 95% interval over pairs.")


def agreement(runs: Runs) -> Html:
    """How far segmenters that learned from drawn streets agree with MSRS's derived masks."""
    trained = "roadscene-original"
    ours = [run for key, run in runs.items() if (key.data, key.preset) == (trained, PRESET)]
    rows = []
    for name in ("rgb", "average", "stacked", "segmif"):
        mine = [run.values["agreement"] for run in ours if run.variant == name and "agreement" in run.values]
        if mine:
            row = [NAMES[name]]
            for time in ("day", "night"):
                for k in ("1", "2"):
                    values = [one[time][k] for one in mine if one.get(time, {}).get(k) is not None]
                    row.append(100 * sum(values) / len(values) if values else None)
            rows.append(row)
    return figures.scored(
        "Agreement with MSRS's derived masks",
        rows,
        columns=["what the segmenter reads", "car", "person", "car ", "person "],
        groups=[("", 1), ("day", 2), ("night", 2)],
        formats=".1f",
        caption="MSRS: agreement (IoU, points) with masks on which two programs agree; no accuracy",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? Real pictures


def _shrunk(image: Tensor) -> Tensor:
    """An image (C, H, W) at most `real.WIDEST` pixels wide."""
    share = min(1.0, real.WIDEST / image.shape[-1])
    return F.interpolate(image[None], scale_factor=share, mode="area")[0] if share < 1 else image


def released() -> tuple[nn.Module, nn.Module] | None:
    """SegMiF as released, fusion network and segmenter, if its two files lie in weights/segmif under the data root."""
    from mmlib import convert
    from mmlib.backbones.mit import MiT
    from mmlib.data.folders import DataMissing, data_root
    from mmlib.models import segmif as sm

    try:
        folder = data_root() / "weights" / "segmif"
    except DataMissing:
        return None
    files = folder / "modelfusion-final2.pth", folder / "model-fusion_add_final2.pth"
    if not all(file.is_file() for file in files):
        return None
    states = [read_state(file) for file in files]
    fusion, segmenter = sm.FusionNet(sm.hia()), sm.Segmenter(MiT("b3"), 9)
    fusion.load_state_dict(convert.segmif_fusion(states[0]), strict=True)
    segmenter.load_state_dict(convert.segmif_segmenter(states[1]), strict=True)
    return fusion.eval(), segmenter.eval()


@torch.no_grad()
def released_luma(fusion: nn.Module, segmenter: nn.Module, rgb: Tensor, ir: Tensor) -> Tensor:
    """What the released program makes of a pair: features of the grey target, one pass, stretched at the end."""
    vis = luma(rgb)
    target = rules.by_saliency(vis, ir)
    features = segmenter.encoder(target.expand(-1, 3, -1, -1), stages=2)  # not normalised, as released
    fused = fusion(vis, ir, features).clamp(0, 1)
    return (fused - fused.amin()) / (fused.amax() - fused.amin()).clamp(min=1e-6)


def real_night(networks: Mapping[str, SegMiF]) -> Html:
    """A real pair at night: inputs, fused images, what each network finds, and where it disagrees with a mask."""
    from mmlib.data import available, load

    if not available("msrs"):
        return absent("A real night", "msrs")
    if not real.others_allowed():
        return note(real.HELD_BACK)
    pair = load("msrs", boxes=None, derived="consensus")[figures.REAL_NIGHT]
    rgb = F.interpolate(pair["rgb"][None], scale_factor=0.5, mode="area")
    ir = F.interpolate(pair["ir"][None], scale_factor=0.5, mode="area")
    vis = luma(rgb)
    target = rules.by_saliency(vis, ir)
    pictures = [(rgb[0], "visible"), (ir[0], "infrared"), (figures.in_colour(target, rgb), "target")]
    pictures.append((figures.in_colour(rules.average(vis, ir), rgb), "average"))
    theirs = released()
    if theirs is not None:
        fused = released_luma(*theirs, rgb, ir)
        pictures.append((figures.in_colour(fused, rgb), "SegMiF as released"))
    mask = pair["derived_labels"][::2, ::2]  # a mask is made smaller by the nearest pixel
    for kind in ("average", "segmif"):
        if kind in networks:
            image, found = _read(networks[kind], rgb, ir)
            if kind == "segmif":
                pictures.append((image, "SegMiF, trained here"))
            pictures.append((show.labels_to_rgb(found), f"{NAMES[kind]} finds"))
            pictures.append((_disagreement(image, found, mask), f"{NAMES[kind]}: disagrees with the mask"))
    return show.images(
        pictures,
        columns=3,
        width=320,
        alt="A real street at night in both images, fused in several ways, with predicted labels and disagreements",
        caption=f"MSRS (Tang et al., 2022), pair {figures.REAL_NIGHT}. The mask is what two programs agree on: red is "
        "a disagreement, and not always a mistake.",
    )


def _disagreement(image: Tensor, found: Tensor, mask: Tensor) -> Tensor:
    """Where cars or people of a prediction (MiniStreet's classes) and of MSRS's mask differ, red on the image."""
    from mmlib.scenes import CLASSES

    ids = {"car": 1, "person": 2, "rider": 2}
    theirs = torch.tensor([ids.get(name, 0) for name in CLASSES])[found]
    return show.overlay(image, (mask <= 2) & (theirs != mask), tint=figures.WRONG, strength=0.75)


# Colours for MFNet's nine classes: unlabelled, car, person, bike, curve, car stop, guardrail, colour cone, bump.
MFNET = torch.tensor(
    [[0, 0, 0], [64, 0, 128], [64, 64, 0], [0, 128, 192], [0, 0, 192], [128, 128, 0], [64, 64, 128], [192, 128, 128],
     [192, 64, 0]], dtype=torch.uint8)  # fmt: skip


@torch.no_grad()
def mfnet_at_work() -> Html:
    """A real RGB-T segmenter with its authors' weights on real pairs: what it finds beside the boxes of annotators."""
    from mmlib.backbones.mfnet import released_mfnet
    from mmlib.data import available, installed, load

    if not available("msrs") or not installed("weights"):
        return absent("A real segmenter at work", "msrs")
    pairs = load("msrs", boxes="fusion")
    net = released_mfnet()
    pictures = []
    for name in (figures.REAL_NIGHT, "00537D"):
        pair = pairs[name]
        found = net(pair["rgb"][None], pair["ir"][None]).argmax(dim=1)[0]
        if real.others_allowed():
            pictures.append((_shrunk(show.boxes(pair["rgb"], pair["boxes"])), f"{pair['time']}: visible, boxes"))
            pictures.append((_shrunk(show.boxes(pair["ir"], pair["boxes"])), f"{pair['time']}: infrared, boxes"))
        pictures.append((show.labels_to_rgb(found[::2, ::2], MFNET), f"{pair['time']}: MFNet finds"))
    return show.images(
        pictures,
        columns=3 if real.others_allowed() else 2,
        width=320,
        alt="Real streets by night and by day with boxes of annotators, and the labels that MFNet finds",
        caption="MSRS (Tang et al., 2022) and MFNet (Ha et al., 2017) with its authors' weights.",
    )


def mfnet_and_boxes() -> Html:
    """For how many of the annotators' boxes MFNet's derived masks show their class."""
    from mmlib.data import available, load
    from mmlib.metrics.pairs import covered

    if not available("msrs"):
        return absent("MFNet's agreement with boxes", "msrs")
    pairs = load("msrs", boxes="fusion", derived="mfnet_pseudo")
    pairs = pairs.select("boxes", "box_labels", "derived_labels", "time")
    twins = (2, 3, 1)  # the masks' ids of person, bicycle, car
    hits: dict[tuple[str, int], list[bool]] = {}
    for pair in pairs:
        found = covered(pair["derived_labels"], pair["boxes"], pair["box_labels"], twins)
        for label, hit in zip(pair["box_labels"].tolist(), found.tolist()):
            hits.setdefault((pair["time"], label), []).append(hit)
    rows = []
    for label, name in enumerate(("person", "bicycle", "car")):
        row = [name]
        for time in ("day", "night"):
            some = hits.get((time, label), [])
            row += [len(some), 100 * sum(some) / len(some) if some else None]
        rows.append(row)
    return show.table(
        rows,
        columns=["class", "boxes", "shown, %", "boxes ", "shown, % "],
        groups=[("", 1), ("day", 2), ("night", 2)],
        formats=".0f",
        caption="MSRS: boxes of annotators of which MFNet gives at least a quarter to their class",
        footer="MFNet's predictions as they lie in the data. It may have learned from some of these pictures.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# The paper's numbers


def paper_table(table: str) -> Html:
    """A table of the paper as it was printed; rows that are known from memory only are marked [L]."""
    footer = "[L]: recollected and not verified, so nothing is judged by it. IoU in percent."
    return figures.printed(PAPER, table, "method", footer=footer)


def in_print() -> dict[str, list[tuple[float, str]]]:
    """SegMiF's mean IoU on two data sets, and who has printed it; "[L]" marks what is known from memory."""
    claims = load_claims(PAPER)
    points: dict[str, list[tuple[float, str]]] = {"MFNet": [], "FMB": []}
    for cell in claims.cells:
        if cell.table == "quoted" and cell.row.split()[0] in points and cell.metric == "miou":
            who = cell.row.split(", ", 1)[1].removesuffix(" (2)")
            points[cell.row.split()[0]].append((float(cell.value), who))
        if cell.table in ("mfnet", "fmb") and cell.column == "mIoU" and cell.row == "SegMiF":
            points["MFNet" if cell.table == "mfnet" else "FMB"].append((float(cell.value), "the paper [L]"))
    return points


def spread() -> Html:
    """One method's scores on two data sets, as different groups have printed them."""
    points = in_print()

    def draw(fig) -> None:
        heights = [len(values) for values in points.values()]
        axes = fig.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": heights})
        for ax, (name, values) in zip(axes, points.items()):
            for y, (value, who) in enumerate(sorted(values)):
                memory = who.endswith("[L]")
                ax.plot(value, y, "o", color="C0", markersize=8, fillstyle="none" if memory else "full")
                ax.text(value + 0.5, y, f"{value:g}  {who}", va="center", fontsize=8.5)
            ax.set(ylim=(-0.7, len(values) - 0.3), yticks=[], xlim=(51, 74))
            ax.set_title(name, loc="left")
        axes[1].set(xlabel="mIoU of SegMiF, %")

    lowest, highest = (f([value for value, _ in points["MFNet"]]) for f in (min, max))
    return show.plot(
        draw,
        size=(5.4, 4.2),
        alt=f"On MFNet, SegMiF is printed with {lowest:g} to {highest:g} points of mean IoU, on FMB it's similar",
        caption="The same method on the same data set, as different groups measured it. Open: from memory.",
    )
