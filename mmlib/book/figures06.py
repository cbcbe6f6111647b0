"""The figures of chapter 6, so that its notebooks show each of them in one line.

`runs` are those that `read_records("flow2seg")` gives, `numbers` is the frame of their numbers at preset night.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mmlib import show
from mmlib.book import figures, real
from mmlib.book.figures import record
from mmlib.book.numbers import Runs, absent, by_seed, gain, mean, missing, plain, signed, with_half
from mmlib.results import Interval, load_claims, paired_interval
from mmlib.show.html import Html

if TYPE_CHECKING:
    import pandas

PAPER = "flow2seg"
CAMOUFLAGE = (0, 25, 50, 75, 100)
ERRORS = ("0", "0_5", "1", "2", "4", "8")
NO_FLOW = "extra_layers"
"""What the value of flow is measured against: the same layers, without flow."""

ARMS = {
    "pspnet": "PSPNet",
    "extra_layers": "extra layers, no flow",
    "flow_shuffled": "another street's flow",
    "flow2seg_farneback": "Flow2Seg, Farnebäck",
    "flow2seg_learned": "Flow2Seg, FlowNetS",
    "flow2seg_dis": "Flow2Seg, DIS",
    "flow2seg": "Flow2Seg, exact flow",
}
ESTIMATED = {"flow2seg_dis": "DIS", "flow2seg_farneback": "Farnebäck", "flow2seg_learned": "FlowNetS"}
LOOKS = {
    "pspnet": {"color": "C6", "marker": "o"},
    "extra_layers": {"color": "C5", "marker": "x"},
    "flow_shuffled": {"color": "C4", "marker": "^"},
    "flow2seg_farneback": {"color": "C3", "marker": "v"},
    "flow2seg_learned": {"color": "C2", "marker": "D"},
    "flow2seg_dis": {"color": "C0", "marker": "s"},
    "flow2seg": {"color": "C1", "marker": "P"},
}


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: streets


def hidden_street(size: tuple[int, int], camouflage: float = 1.0) -> dict[str, Tensor]:
    """Of 32 test streets by day the one in which most pixels of people, riders and cars move by themselves.

    camouflage: how far these have faded in the picture, 0 to 1.
    """
    from mmlib.metrics.regions import own_motion
    from mmlib.scenes import CLASSES, THINGS, Knobs, drawn, split_seeds

    seeds = split_seeds("test", 32)
    streets = drawn(seeds, size=(96, 128), knobs=Knobs(time="day"), fields=("labels", "flow", "depth"))
    things = torch.isin(streets["labels"], torch.tensor([CLASSES.index(name) for name in THINGS]))
    moving = []
    for flow, depth, thing in zip(streets["flow"], streets["depth"], things):
        own = own_motion(flow, depth, ~thing).norm(dim=0)
        moving.append(int((thing & (own > 1.0)).sum()))
    seed = seeds[moving.index(max(moving))]
    knobs = Knobs(time="day", camouflage=camouflage)
    return drawn([seed], size=size, knobs=knobs, fields=("rgb", "rgb_next", "labels", "flow"))


def opening(street: Mapping[str, Tensor]) -> Html:
    """A street whose people, riders and cars have faded from the picture, and its flow."""
    from mmlib.flow import flow_to_rgb

    return show.compare(
        street["rgb"][0],
        flow_to_rgb(street["flow"], max_flow=24.0)[0],
        labels=("picture", "motion"),
        alt="A street that looks empty as a picture, and as a field of motion in which people and cars stand out",
        caption="One street. Drag the line: left of it the picture, right of it the motion to the next one.",
    )


def pyramid(rgb: Tensor) -> Html:
    """The means of 1, 4, 9 and 36 regions of a street (1, 3, H, W)."""
    pictures = []
    for n in (1, 2, 3, 6):
        means = F.interpolate(F.adaptive_avg_pool2d(rgb, n), rgb.shape[-2:], mode="nearest")
        pictures.append((means[0], f"{n} × {n}"))
    return show.images(
        pictures,
        columns=4,
        width=190,
        alt="The street as 1, 4, 9 and 36 patches of its mean colour",
        caption="What the pyramid adds to every place. The network pools its features, not three colours.",
    )


def mirror_errors(misses: Mapping[str, Tensor]) -> Html:
    """How far off the looked-up frame is, for two ways of mirroring a flow: maps (H, W)."""
    pictures = []
    for name, miss in misses.items():
        pictures.append((show.colour(miss, "magma", vmin=0, vmax=0.4), f"{name}: off by {miss.mean():.3f}"))
    return show.images(
        pictures,
        columns=2,
        width=400,
        alt="The error of the looked-up frame: bright edges for the wrong mirror, dark for the right one",
        caption="A mirrored street, looked up in its next frame through a flow mirrored in two ways. Bright is wrong.",
    )


def estimates(size: tuple[int, int]) -> Html:
    """Exact flow and two estimates of one street, as it comes and with its people, riders and cars faded out."""
    from mmlib.flow import estimate, flow_to_rgb

    pictures = []
    for percent in (0, 100):
        street = hidden_street(size, camouflage=percent / 100)
        pictures.append((street["rgb"][0], f"camouflage {percent} %"))
        flows = {"exact": street["flow"]}
        for method, name in (("dis", "DIS"), ("farneback", "Farnebäck")):
            flows[name] = estimate(street["rgb"], street["rgb_next"], method)
        for name, flow in flows.items():
            miss = float((flow - street["flow"]).norm(dim=1).mean())
            title = "exact flow" if name == "exact" else f"{name}: off by {miss:.1f} pixels"
            pictures.append((flow_to_rgb(flow, max_flow=12.0 * size[1] / 256)[0], title))
    return show.images(
        pictures,
        columns=4,
        width=256,
        pixelated=True,
        alt="Exact flow shows the cars and people at any camouflage; the estimates lose them when the picture does",
        caption="Below, the people, riders and cars have faded from both frames. Errors are means over the street.",
    )


def region_pictures(size: tuple[int, int]) -> Html:
    """Three regions of the test, marked in one street."""
    from mmlib.metrics.regions import regions
    from mmlib.scenes import CLASSES, THINGS, Knobs, drawn, split_seeds

    fields = ("rgb", "labels", "flow", "depth", "instances")
    streets = drawn(split_seeds("val", 4), size=size, fields=fields, knobs=Knobs(time="day"))
    found = regions(streets, [CLASSES.index(name) for name in THINGS])
    chosen = int(found["moving"].sum(dim=(1, 2)).argmax())
    pictures = []
    for name in ("boundary", "small", "moving"):
        pictures.append((show.overlay(streets["rgb"][chosen], found[name][chosen]), name))
    return show.images(
        pictures,
        columns=3,
        width=256,
        pixelated=True,
        alt="One street with its boundaries, its small things and its moving things marked",
        caption="Three regions of the test, marked in one street.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Build and train: networks


def idea() -> Html:
    """Both paths and the fusion block, as a drawing."""
    box, arrow = figures.box, figures.arrow
    drawn = [
        box(4, 4, 80, "picture"),
        box(4, 66, 80, "PSPNet", figures.BLUE),
        box(4, 128, 80, "scores", figures.BLUE),
        box(276, 4, 80, "flow"),
        box(276, 66, 80, "flow path", figures.ORANGE),
        box(276, 128, 80, "scores", figures.ORANGE),
        box(140, 128, 80, "block", figures.GREEN),
        box(140, 196, 80, "correction", figures.GREEN),
        box(4, 196, 80, "+"),
        box(4, 258, 80, "labels"),
        arrow((44, 38), (44, 66)),
        arrow((44, 100), (44, 128)),
        arrow((316, 38), (316, 66)),
        arrow((316, 100), (316, 128)),
        arrow((84, 145), (140, 145)),
        arrow((276, 145), (220, 145)),
        arrow((180, 162), (180, 196)),
        arrow((140, 213), (84, 213)),
        arrow((44, 162), (44, 196)),
        arrow((44, 230), (44, 258)),
    ]
    said = "A picture goes through PSPNet to class scores, a flow through a small network to class scores. A small "
    said += "block reads both and gives a correction, which is added to the scores of PSPNet."
    caption = "Flow2Seg, after the poster's Figure 2b: only a correction is added to what PSPNet says."
    return figures.drawing(drawn, 296, said, caption)


def full_size() -> nn.Module:
    """Our reading of the poster's system, for 19 classes; on the device `meta`, so nothing is computed."""
    from mmlib.backbones.encoder import ResNetEncoder
    from mmlib.backbones.pyramid import PyramidPooling
    from mmlib.backbones.resnet import ResNet
    from mmlib.models import flow2seg as f2s

    with torch.device("meta"):
        encoder = ResNetEncoder(ResNet(101))
        head = f2s.CoarseHead(PyramidPooling(2048), 19)
        picture = f2s.PSPNet(encoder, head, f2s.score_head(1024, 256, 19))
        flow_path = f2s.FlowPath(ResNet(18, 2), f2s.CoarseHead(f2s.NoContext(512), 19, 128))
        return f2s.Flow2Seg(picture, flow_path, f2s.Residual(19))


def parameters(net: nn.Module) -> Html:
    """Parameters of the three parts of a system, and of the poster's in our reading."""
    poster = full_size()
    rows = []
    for part, name in (("picture", "PSPNet"), ("flow_path", "flow path"), ("fusion", "fusion block")):
        row = [name]
        for system in (net, poster):
            count = figures.count(getattr(system, part))
            row += [f"{count:,}", 100 * count / figures.count(system.picture)]
        rows.append(row)
    return show.table(
        rows,
        columns=["part", "ours", "% of PSPNet", "poster's", "% of PSPNet "],
        formats=".1f",
        caption="Parameters of the parts, and of the poster's in our reading of it",
        footer="The poster prints no counts. A test holds both fixed.",
    )


def losses(stage_a: Sequence[float], stage_b: Sequence[float], stage_c: object) -> Html:
    """The losses of three short stages, one above the other. stage_c: its log."""
    stages = {"A: PSPNet": {"image": stage_a}, "B: flow path": {"flow": stage_b}}
    stages["C: together"] = {name: stage_c.columns.get(f"term {name}", []) for name in ("fused", "image", "flow")}
    colours = {"image": "C0", "flow": "C1", "fused": "C2"}

    def draw(fig) -> None:
        axes = fig.subplots(3, 1, sharey=True)
        for ax, (title, terms) in zip(axes, stages.items()):
            for name, values in terms.items():
                ax.plot(values, color=colours[name], label=name)
            ax.set_title(title, loc="left")
            ax.set(ylabel="loss", ylim=(0, None))
        axes[2].legend(ncols=3)
        axes[2].set(xlabel="step")

    return show.plot(
        draw, size=(5.4, 5.2), alt="The losses of the three stages fall; the joint one starts with PSPNet's"
    )


def learning(runs: Runs) -> Html:
    """Val mIoU of the published runs of seed 0, during stages A and C."""
    return figures.learning(
        runs,
        {arm: ARMS[arm] for arm in ("pspnet", "flow2seg", "flow2seg_dis", "flow_shuffled")},
        LOOKS,
        "miou",
        axis="val mIoU, points",
        steps="step of stages A and C",
        alt="The mean IoU on val streets rises steeply, then slowly; the variants part when the paths are joined",
        caption="The published runs of seed 0. They share stage A.",
    )


def health_of(runs: Runs, now: Mapping) -> Html:
    """The health of the published run of seed 0, or else of the run that was just made."""
    return figures.run_health(record(runs, "flow2seg"), now)


def published(
    picture_path: Callable[[], nn.Module],
    flow_path: Callable[[], nn.Module],
    system: type[nn.Module],
    fusion: type[nn.Module],
) -> dict[str, nn.Module]:
    """The published networks of seed 0 that are there, by variant, ready to use."""
    made = {"pspnet": picture_path()}
    for name in ("flow2seg", "flow2seg_dis"):
        made[name] = system(picture_path(), flow_path(), fusion(11, 16))
    return figures.with_weights(PAPER, made)


def _motion(street: Mapping[str, Tensor], variant: str) -> Tensor:
    """The encoded flow that a variant sees of a street."""
    from mmlib.flow import estimate
    from mmlib.models.flow2seg import encode

    flow = estimate(street["rgb"], street["rgb_next"], "dis") if variant.endswith("_dis") else street["flow"]
    return encode(flow, 20 * flow.shape[-1] / 2048)


@torch.no_grad()
def _labels(net: nn.Module, street: Mapping[str, Tensor], variant: str) -> Tensor:
    motion = None if variant == "pspnet" else _motion(street, variant)  # it looks at none, and real films have no truth
    scores = next(iter(net(street["rgb"], motion).values()))
    return F.interpolate(scores, street["rgb"].shape[-2:], mode="bilinear").argmax(dim=1)[0]


def hide_slider(networks: Mapping[str, nn.Module], size: tuple[int, int]) -> Html:
    """What each network finds in one street while its people, riders and cars fade; a slider sets how far."""
    if not networks:
        return missing("What the networks find")
    drawn, names = [], []
    for percent in CAMOUFLAGE:
        street = hidden_street(size, camouflage=percent / 100)
        pictures = [(street["rgb"][0], "picture"), (show.labels_to_rgb(street["labels"][0]), "labels")]
        for variant, net in networks.items():
            pictures.append((show.labels_to_rgb(_labels(net, street, variant)), ARMS[variant]))
        drawn.append(pictures)
        names.append(f"camouflage {percent} %")
    return show.frames(
        drawn,
        names=names,
        start=2,
        width=256,
        pixelated=True,
        alt="The picture, its labels and what each network predicts, while people, riders and cars fade",
    )


@torch.no_grad()
def correction(networks: Mapping[str, nn.Module], size: tuple[int, int]) -> Html:
    """The score of the class car: PSPNet's, the flow path's, the correction, and the sum."""
    from mmlib.scenes import CLASSES

    if "flow2seg" not in networks:
        return missing("The correction")
    street = hidden_street(size, camouflage=0.75)
    scores = networks["flow2seg"](street["rgb"], _motion(street, "flow2seg"))
    k = CLASSES.index("car")
    maps = {
        "PSPNet": scores["image"],
        "flow path": scores["flow"],
        "correction": scores["fused"] - scores["image"],
        "PSPNet + correction": scores["fused"],
    }
    pictures = [(street["rgb"][0], "camouflage 75 %"), (show.labels_to_rgb(street["labels"][0]), "labels")]
    for title, one in maps.items():
        pictures.append((show.colour(one[0, k], "RdBu", vmin=-10, vmax=10), title))
    return show.images(
        pictures,
        columns=3,
        width=256,
        pixelated=True,
        alt="Score maps of the class car: the picture path's, the flow path's, the correction and the sum",
        caption="Scores of the class car. Blue is above 0, red below.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? The map


def value_on_map(numbers: pandas.DataFrame, percent: int, error: str) -> float | None:
    """What exact flow with an error of so many pixels is worth at one degree of camouflage, in points."""
    at = f"camouflage_{percent}"
    worth = gain(numbers, "flow2seg", NO_FLOW, f"{at}.map.error_{error}.movers", f"{at}.movers")
    return None if worth is None else worth.mean


def seeds_on_map(numbers: pandas.DataFrame) -> int:
    """How many seeds have both exact flow and the same network without flow."""
    worth = gain(numbers, "flow2seg", NO_FLOW, "camouflage_0.map.error_0.movers", "camouflage_0.movers")
    return 0 if worth is None else worth.n


def the_map(numbers: pandas.DataFrame) -> Html:
    """The value of flow against camouflage and against the error of flow, with the estimators where they belong."""
    rows = [[value_on_map(numbers, percent, error) for percent in CAMOUFLAGE] for error in ERRORS]
    if any(value is None for row in rows for value in row):
        return missing("The map of the value of motion")
    epe = [plain(numbers, "flow2seg", f"camouflage_0.map.error_{error}.epe") for error in ERRORS]
    circles = []
    for arm, letter in zip(ESTIMATED, "DFN"):
        for place, percent in enumerate(CAMOUFLAGE):
            worth = gain(numbers, arm, NO_FLOW, f"camouflage_{percent}.movers")
            miss = plain(numbers, arm, f"camouflage_{percent}.flow_epe.all")
            if worth is not None and miss is not None:
                circles.append((place, miss, worth.mean, letter))
    top = max(1.0, *(abs(value) for row in rows for value in row))

    def height(pixels: float) -> float:
        """Where an error lies between the rows of the map."""
        above = next((k for k, value in enumerate(epe) if value >= pixels), len(epe) - 1)
        below = max(0, above - 1)
        share = (pixels - epe[below]) / max(epe[above] - epe[below], 1e-6)
        return below + min(1.0, share)

    def draw(ax) -> None:
        style = {"cmap": "PuOr_r", "vmin": -top, "vmax": top}
        ax.imshow(rows, aspect="auto", origin="lower", **style)
        ax.grid(visible=False)
        for y, row in enumerate(rows):
            for x, value in enumerate(row):
                ink = "white" if abs(value) > 0.6 * top else "#222"  # both ends of the colours are dark
                ax.text(x - 0.26, y, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=9)
        for x, miss, value, letter in circles:
            shift = {"D": 0.05, "F": 0.22, "N": 0.38}[letter]
            ax.scatter(x + shift, height(miss), c=[value], s=170, edgecolors="#222", **style)
            ink = "white" if abs(value) > 0.6 * top else "#222"
            ax.text(x + shift, height(miss), letter, ha="center", va="center", fontsize=7, color=ink)
        ax.set(xticks=range(len(CAMOUFLAGE)), xticklabels=CAMOUFLAGE, xlabel="camouflage, %")
        ax.set(yticks=range(len(epe)), yticklabels=[f"{value:.1f}" for value in epe], ylabel="error of flow, pixels")

    return show.plot(
        draw,
        size=(5.4, 4.6),
        alt="A map: the value of flow grows with camouflage and shrinks with the error of flow",
        caption="Points of IoU on people, riders and cars that flow adds to the same network without it. Squares: "
        "exact flow with an error. Circles: flow by DIS (D), Farnebäck (F) and FlowNetS (N), each at its own error; a "
        f"white one adds nothing. Exact flow: means of {seeds_on_map(numbers)} seeds.",
    )


def value_table(numbers: pandas.DataFrame) -> Html:
    """The value of flow with its intervals, for each degree of camouflage."""
    rows = []
    for percent in CAMOUFLAGE:
        at = f"camouflage_{percent}"
        row = [f"{percent} %", mean(numbers, NO_FLOW, f"{at}.movers")]
        for error in ("0", "2", "8"):
            worth = gain(numbers, "flow2seg", NO_FLOW, f"{at}.map.error_{error}.movers", f"{at}.movers")
            row.append(with_half(worth))
        row += [with_half(gain(numbers, arm, NO_FLOW, f"{at}.movers")) for arm in (*ESTIMATED, "flow_shuffled")]
        rows.append(row)
    seeds = seeds_on_map(numbers)
    return figures.scored(
        "The value of motion",
        rows,
        columns=["camouflage", "no flow", "exact", "off by 2", "off by 8", *ESTIMATED.values(), "another street's"],
        groups=[("", 2), ("what exact flow adds", 3), ("what estimated flow adds", 3), ("", 1)],
        formats=".1f",
        caption=f"IoU on people, riders and cars in points: mean of {seeds} seeds, ± half of the 95% interval",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold? Arms, controls, ablations


def arms(numbers: pandas.DataFrame) -> Html:
    """Every arm between the floor and the ceiling, at no camouflage and at full."""
    if mean(numbers, "pspnet", "camouflage_0.miou") is None:
        return missing("Floor, arms and ceiling")
    tests = (("camouflage_0.miou", "floor"), ("camouflage_0.movers", "floor_movers"))
    tests += (("camouflage_100.movers", "floor_movers"),)

    def bound(kind: str) -> list[float | None]:
        names = [metric.split(".")[0] + "." + floor.replace("floor", kind) for metric, floor in tests]
        return [mean(numbers, "pspnet", name) for name in names]

    rows = [["blind guess (floor)", None, *bound("floor")]]
    alone = [mean(numbers, "flow2seg", f"camouflage_{p}") for p in ("0.flow_alone.miou", "0.flow_alone.movers")]
    rows.append(["flow path alone, exact flow", None, *alone, None])
    for arm, name in {"unet": "chapter 5's U-Net", "fcn": "FCN", **ARMS}.items():
        scores = [mean(numbers, arm, metric) for metric, _ in tests]
        if any(score is not None for score in scores):
            count = plain(numbers, arm, "parameters.all")
            rows.append([name, f"{count / 1e6:.2f} M" if count else None, *scores])
    rows.append(["always right, at 1/4 (ceiling)", None, *bound("ceiling")])
    fewer = mean(numbers, "unet", "camouflage_0.miou") is not None
    return show.table(
        rows,
        columns=["network", "parameters", "mIoU", "movers", "movers "],
        groups=[("", 2), ("as they come", 2), ("camouflage 100 %", 1)],
        formats=".1f",
        caption="Mean over seeds, in points. Movers: people, riders and cars",
        footer="U-Net and FCN have seeds 0 to 2, with as many steps as all." if fewer else None,
    )


def seed_by_seed(numbers: pandas.DataFrame) -> Html:
    """One mark per run; a line joins the runs of a seed."""
    chosen = ("pspnet", "extra_layers", "flow_shuffled", "flow2seg_dis", "flow2seg")
    return figures.seed_by_seed(
        numbers,
        "camouflage_100.movers",
        {arm: ARMS[arm] for arm in chosen},
        LOOKS,
        axis="IoU on people, riders and cars, points",
        limits=(0, None),
        alt="At full camouflage only the network with exact flow finds people, riders and cars",
        caption="Full camouflage. One mark per run; a line joins the runs of a seed.",
    )


def twice(numbers: pandas.DataFrame) -> Html:
    """What twice the steps change, on the seeds that have both."""
    caption = "mIoU on streets as they come, after the published steps and after twice as many, points"
    return figures.twice(numbers, "camouflage_0.miou", ARMS, caption)


def judged_health(runs: Runs) -> Html:
    """The worst reading of flow path and correction at the end of training, over all judged runs."""
    return figures.judged_health(runs, ARMS, ("flow path", "correction"))


def regions(numbers: pandas.DataFrame) -> Html:
    """What exact flow and flow by DIS add in each region of the test."""
    rows = []
    for name in ("boundary", "interior", "small", "large", "moving", "still"):
        metric = f"camouflage_0.{name}.miou"
        worth = [
            with_half(gain(numbers, arm, NO_FLOW, metric)) for arm in ("flow2seg", "flow2seg_dis", "flow_shuffled")
        ]
        rows.append([name, mean(numbers, NO_FLOW, metric), *worth])
    return figures.scored(
        "Where the gain is",
        rows,
        columns=["region", "no flow", "exact", "DIS", "another street's"],
        groups=[("", 2), ("what flow adds", 3)],
        formats=".1f",
        caption="Streets as they come: points of mIoU (boundary, interior) or of IoU on people, riders and cars",
    )


def classes(numbers: pandas.DataFrame) -> Html:
    """IoU of each class, mean over seeds."""
    names = {"pspnet": "PSPNet", "extra_layers": "no flow", "flow2seg_dis": "DIS", "flow2seg": "exact"}
    return figures.classes(numbers, names, "camouflage_0.iou", "IoU of each class in points, mean over seeds")


def drive(numbers: pandas.DataFrame) -> Html:
    """CamVid's clip: every arm and both controls, class by class."""
    chosen = {"pspnet": "PSPNet", "extra_layers": "no flow", "flow_shuffled": "other flow", "flow2seg_dis": "DIS"}
    if mean(numbers, "pspnet", "drive.miou") is None:
        return missing("The real drive")
    rows = [["all classes", *(mean(numbers, arm, "drive.miou") for arm in chosen)]]
    for name in ("road", "sidewalk", "building", "fence", "sign", "vegetation", "sky", "person", "rider", "car"):
        rows.append([name, *(mean(numbers, arm, f"drive.iou.{name}") for arm in chosen)])
    floor = mean(numbers, "pspnet", "drive.floor")
    return show.table(
        rows,
        columns=["class", *chosen.values()],
        formats=".1f",
        caption="CamVid's clip: IoU in points, mean over seeds",
        footer=f"100 frames of one drive. Naming all of it by the commonest class scores {floor:.1f}.",
    )


def poster(table: str, ours: Mapping[str, str], numbers: pandas.DataFrame, metric: str = "camouflage_0.miou") -> Html:
    """A table of the poster beside what we measured. ours: the variant of ours for a row of the poster, by its name."""
    claims = load_claims(PAPER)
    rows = []
    for cell in claims.cells:
        if cell.table == table:
            variant = ours.get(cell.row)
            measured = mean(numbers, variant, metric) if variant else None
            seeds = len(by_seed(numbers, metric, [variant])) if measured is not None else None
            name = "a row that our scan has lost" if cell.row == "destroyed row" else cell.row
            rows.append([name, cell.value, measured, str(seeds) if seeds else None])
    if not any(row[2] is not None for row in rows) and not ours:
        return show.table([row[:2] for row in rows], columns=["method", "poster"], caption=claims.table_titles[table])
    return show.table(
        rows,
        columns=["method", "poster", "ours", "seeds"],
        formats=".1f",
        caption=claims.table_titles[table],
        footer="Poster: 19 classes of Cityscapes. Ours: 11 classes of MiniStreet, streets as they come.",
    )


def fusions(numbers: pandas.DataFrame) -> Html:
    """Three ways of joining the two paths."""
    names = {"flow2seg": "residual", "fused_by_sum": "sum", "fused_by_concatenation": "concatenation"}
    columns = {
        "camouflage_0.miou": "mIoU, as they come",
        "camouflage_50.miou": "mIoU, camouflage 50 %",
        "camouflage_100.movers": "movers, camouflage 100 %",
    }
    caption = "Points, with half the width of the 95% interval"
    return figures.scores(numbers, names, columns, "Ways of fusion", "fusion", caption)


TRIALS = {
    "rate": {"rate_5e4": "5e-4", "flow2seg": "1e-3", "rate_2e3": "2e-3"},
    "rate of PSPNet": {"pspnet_rate_5e4": "5e-4", "pspnet": "1e-3", "pspnet_rate_2e3": "2e-3"},
    "α": {"alpha_01": "0.1", "flow2seg": "0.5", "alpha_10": "1.0"},
    "β": {"beta_0": "0", "flow2seg": "0.4", "beta_10": "1.0"},
}


def tuning(runs: Runs) -> Html:
    """What was tried on val streets: learning rates, and the weights of the losses."""
    rows = []
    for setting, tried in TRIALS.items():
        for variant, value in tried.items():
            run = record(runs, variant)
            if run is not None:
                rows.append([setting, value, 100 * run.values["val"]["miou"]])
    return figures.scored(
        "Settings that were tried",
        rows,
        columns=["setting", "value", "val mIoU"],
        formats=".1f",
        caption="One run each, seed 0, judged on val streets, points",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Successive frames


@torch.no_grad()
def film_strip(networks: Mapping[str, nn.Module], size: tuple[int, int]) -> Html:
    """Four successive frames of a real drive and what networks without and with motion say: the poster's Figure 3.

    Where its pictures may not be shown, or aren't at hand, the labels alone, or a sentence.
    """
    from mmlib.data import available, load

    if not {"pspnet", "flow2seg_dis"} <= set(networks):
        return missing("The film strip")
    if not available("camvid_video"):
        return absent("The film strip", "camvid_video")
    may_show = real.others_allowed()
    clip = load("camvid_video")
    pictures = []
    for number in range(40, 44):
        frame = clip[number]
        street = {}
        for name in ("rgb", "rgb_next"):
            street[name] = F.interpolate(frame[name][None], size, mode="bilinear", antialias=True).clamp(0, 1)
        if may_show:
            pictures.append((street["rgb"][0], f"frame {number}"))
        for variant, title in (("pspnet", "PSPNet"), ("flow2seg_dis", "with motion")):
            pictures.append((show.labels_to_rgb(_labels(networks[variant], street, variant)), f"{title}, {number}"))
    return show.images(
        pictures,
        columns=3 if may_show else 2,
        width=256,
        pixelated=True,
        alt="Successive frames of a real drive with the labels that PSPNet and the system with motion predict",
        caption="CamVid (Brostow et al., 2009), four successive frames at 15 per second."
        + ("" if may_show else " PUBLISH_REAL_IMAGES=1 puts its frames into built pages."),
    )


def films(runs: Runs, numbers: pandas.DataFrame) -> Html:
    """Twelve real films: J of every arm and of three rules without a network, and the gain over PSPNet.

    runs, numbers: those of "davis", from `read_records` and `frame`.
    """
    if mean(numbers, "pspnet", "test.j") is None or mean(numbers, "flow2seg", "test.j") is None:
        return missing("The table of films")
    rules = {
        "everywhere": "no network: marks everything",
        "usual_place": "no network: marks where things usually are",
        "what_moves": "no network: marks what moves unlike the rest",
    }
    rows = [[name, mean(numbers, "pspnet", f"{rule}.j"), None, None] for rule, name in rules.items()]
    rows.append(["the flow path alone", mean(numbers, "flow2seg", "flow_alone.j"), None, None])
    rows.append(["PSPNet", mean(numbers, "pspnet", "test.j"), None, None])
    arms = {"extra_layers": "no flow, same layers", "flow_shuffled": "another film's flow", "flow2seg": "Flow2Seg, DIS"}
    for arm, name in arms.items():
        over_seeds = with_half(gain(numbers, arm, "pspnet", "test.j"))
        over_films = with_half(_over_films(runs, arm, "pspnet"))
        rows.append([name, mean(numbers, arm, "test.j"), over_seeds, over_films])
    return show.table(
        rows,
        columns=["", "J", "against PSPNet, over seeds", "over films"],
        formats=".1f",
        caption="DAVIS, twelve films that nothing was learned from: J in points, mean over films and seeds",
        footer="± is half of a 95% interval. Over seeds it is the luck of training; over films, that of their choice.",
    )


def _film_scores(runs: Runs, arm: str) -> dict[str, float]:
    """J of each tested film in points, the mean over an arm's seeds."""
    found: dict[str, list[float]] = {}
    for key, record_of in runs.items():
        if key.variant == arm and key.preset == "night":
            for film, j in record_of.values["test"]["films"].items():
                found.setdefault(film, []).append(100 * j)
    return {film: fmean(scores) for film, scores in found.items()}


def _over_films(runs: Runs, a: str, b: str) -> Interval | None:
    """The mean difference of two arms with its interval over films; None where one of them has no run."""
    ahead, behind = _film_scores(runs, a), _film_scores(runs, b)
    if not ahead or not behind:
        return None
    return paired_interval([ahead[film] for film in behind], list(behind.values()))


def film_by_film(runs: Runs) -> Html:
    """J of each film with and without flow, sorted by what the flow is worth."""
    ahead, behind, moves = (_film_scores(runs, arm) for arm in ("flow2seg", "pspnet", "extra_layers"))
    if not ahead or not behind:
        return missing("The list of films")
    rows = [[film, behind[film], moves.get(film), ahead[film], signed(ahead[film] - behind[film])] for film in ahead]
    rows.sort(key=lambda row: row[3] - row[1], reverse=True)
    return show.table(
        rows,
        columns=["film", "PSPNet", "no flow", "Flow2Seg", "Flow2Seg − PSPNet"],
        formats=".1f",
        caption="The same films one by one: J in points, mean over seeds",
    )


def film_masks(runs: Runs, films_shown: Sequence[str]) -> Html:
    """The middle frame of some films: what is true, and what PSPNet and Flow2Seg mark.

    Where its pictures may not be shown, the masks alone; a sentence where DAVIS isn't at hand.
    """
    from mmlib.data import available, load

    marked = {arm: record(runs, arm) for arm in ("pspnet", "flow2seg")}
    if any(one is None for one in marked.values()):
        return missing("The masks of some films")
    if not available("davis"):
        return absent("The comparison of masks with the truth", "davis")
    pictures = []
    for film in films_shown:
        sequence = load("davis", film, pairs=True)
        frame_shown = sequence[len(sequence) // 2]
        if real.others_allowed():
            pictures.append((frame_shown["rgb"], film))
        pictures.append((frame_shown["mask"].float()[None], f"{film}: the truth"))
        for arm, title in (("pspnet", "PSPNet"), ("flow2seg", "Flow2Seg")):
            pictures.append((figures.labels_of(marked[arm].values["pictures"][film])[None].float(), f"{film}: {title}"))
    return show.images(
        pictures,
        columns=4 if real.others_allowed() else 3,
        width=214,
        pixelated=True,
        alt="Masks of a few films: the truth, and what the networks without and with flow mark",
        caption="DAVIS (Perazzi et al., 2016), the middle frame of each film."
        + ("" if real.others_allowed() else " PUBLISH_REAL_IMAGES=1 puts the frames into built pages."),
    )
