"""The figures and widgets of chapter 5, so that its notebooks show each of them in one line.

Everything is drawn from published records: `runs` are those that `read_records("training")` gives, `numbers` is the
frame of their numbers at preset night.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from statistics import stdev
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mmlib import show
from mmlib.book import figures
from mmlib.book.figures import PRESET, record
from mmlib.book.numbers import Runs, missing, signed
from mmlib.book.numbers import by_seed as every_seed
from mmlib.health import silent
from mmlib.results import Record, load_claims, t_interval
from mmlib.results.evidence import t_quantile
from mmlib.show.html import Html, figure, tag

if TYPE_CHECKING:
    import pandas

PAPER = "training"
ARMS = {"rgb": "RGB alone", "rgb_ir": "RGB and infrared", "rgb_shuffled": "RGB and shuffled infrared"}
COLOURS = {"rgb": "C0", "rgb_ir": "C1", "rgb_shuffled": "C2"}
MARKS = {"rgb": "o", "rgb_ir": "s", "rgb_shuffled": "^"}
KNOB = (0, 50, 80, 100)
WORDS = {"stem of rgb": "stem of RGB", "stem of ir": "stem of infrared"}


# ---------------------------------------------------------------------------------------------------------------------
# Records


def by_seed(numbers: pandas.DataFrame, metric: str, longer: int = 1) -> pandas.DataFrame:
    """A metric of all published runs in points, one row per seed and one column per arm; NaN where a run is missing.

    longer: 2 for the runs with twice the steps.
    """
    return every_seed(numbers, metric, list(ARMS), longer)


def _so_far(numbers: pandas.DataFrame) -> str:
    """ " 7 of 10 seeds are there." for a caption; nothing once all are."""
    asked = max(row.seeds for row in load_claims(PAPER).directions)
    there = len(by_seed(numbers, "night.miou").dropna())
    return "" if there >= asked else f" {there} of {asked} seeds are there."


# ---------------------------------------------------------------------------------------------------------------------
# Build and train


def night_street(size: tuple[int, int]) -> dict[str, Tensor]:
    """Of 32 test nights, the one whose people and riders, at least 200 pixels of 96 x 128, are darkest in RGB."""
    from mmlib.scenes import CLASSES, Knobs, drawn, split_seeds

    seeds, night = split_seeds("test", 32), Knobs(time="night")
    nights = drawn(seeds, size=(96, 128), knobs=night, fields=("rgb", "labels"))
    people = torch.isin(nights["labels"], torch.tensor([CLASSES.index("person"), CLASSES.index("rider")]))
    pixels = people.sum(dim=(1, 2))
    brightness = (nights["rgb"].mean(dim=1) * people).sum(dim=(1, 2)) / pixels
    brightness[pixels < 200] = math.inf
    first = int(brightness.argmin())
    return drawn([seeds[first]], size=size, knobs=night, fields=("rgb", "ir", "labels"))


def opening(street: Mapping[str, Tensor]) -> Html:
    """The night street in colour and in infrared, one under the other's edge."""
    return show.compare(
        street["rgb"][0],
        street["ir"][0],
        labels=("RGB", "infrared"),
        alt="One night street as a colour image, mostly dark, and as an infrared image, in which people are bright",
        caption="One street at night. Drag the line: left of it the colour image, right of it the infrared image.",
    )


def _box(x: int, y: int, name: str, shape: str, tint: str = "none") -> str:
    middle = x + 66
    rect = f'<rect x="{x}" y="{y}" width="132" height="46" rx="5" fill="{tint}" stroke="currentColor"/>'
    words = f'<text x="{middle}" y="{y + 19}" font-weight="bold">{escape(name)}</text>'
    return rect + words + f'<text x="{middle}" y="{y + 37}">{escape(shape)}</text>'


def unet(senses: Sequence[str], width: int, size: tuple[int, int]) -> Html:
    """The U-Net as a picture: what each level holds, as channels x height x width."""
    high, wide = size

    def shape(channels: int, shrunk: int) -> str:
        return f"{channels} × {high // shrunk} × {wide // shrunk}"

    rgb, ir, plain = figures.BLUE, figures.ORANGE, figures.PLAIN
    names = {"rgb": "RGB", "ir": "infrared"}
    top = 82 + 54 * (len(senses) - 1)
    drawn = [_box(4, 4, names[senses[0]], shape(3, 1), tint=rgb)]
    below = [figures.line(f"M136 27H158V{top - 16}H110V{top}m-5 -8l5 8l5 -8")]
    if len(senses) > 1:
        drawn.append(_box(4, 58, names[senses[1]], shape(1, 1), tint=ir))
        below.append(figures.line("M136 81H158"))
    second, third = top + 92, top + 184
    drawn += [
        _box(4, top, "encoder 1", shape(width, 2), tint=plain),
        _box(4, second, "encoder 2", shape(2 * width, 4), tint=plain),
        _box(114, third, "encoder 3", shape(4 * width, 8), tint=plain),
        _box(224, second, "decoder 2", shape(2 * width, 4), tint=plain),
        _box(224, top, "decoder 1", shape(width, 2), tint=plain),
        _box(224, 4, "class scores", shape(11, 1), tint=figures.GREEN),
    ]
    below += [
        figures.line(f"M70 {top + 46}V{second}m-5 -8l5 8l5 -8"),
        figures.line(f"M70 {second + 46}V{third + 23}H114m-8 -5l8 5l-8 5"),
        figures.line(f"M246 {third + 23}H290V{second + 46}m-5 8l5 -8l5 8"),
        figures.line(f"M290 {second}V{top + 46}m-5 8l5 -8l5 8"),
        figures.line(f"M290 {top}V50m-5 8l5 -8l5 8"),
        figures.line(f"M136 {top + 23}H224m-8 -5l8 5l-8 5", dashed=True),
        figures.line(f"M136 {second + 23}H224m-8 -5l8 5l-8 5", dashed=True),
    ]
    notes = [
        (164, top - 32, "stems," if len(senses) > 1 else "stem", "start"),
        (164, top - 16, "added" if len(senses) > 1 else "", "start"),
        (78, top + 73, "max-pool", "start"),
        (282, top + 73, "× 2", "end"),
        (282, top - 16, "head, × 2", "end"),
        (180, top + 15, "copy", "middle"),
        (180, second + 15, "copy", "middle"),
        (62, third + 6, "max-pool", "end"),
        (298, third + 6, "× 2", "start"),
    ]
    words = "".join(f'<text x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>' for x, y, text, anchor in notes)
    said = (
        "A U-Net: each sense has a stem of its own and the stems are added. Three encoder levels see the picture ever "
    )
    said += "more coarsely. Two decoder levels double it again, each with a copy of the encoder's level of its size."
    pieces = "".join([*below, *drawn, f"<g>{words}</g>"]).replace("<text ", '<text fill="currentColor" ')
    caption = "The U-Net of this chapter. Second lines: channels × height × width."
    return figures.drawing([pieces], third + 50, said, caption, font=13.5)


def levels(net: nn.Module, pictures: Mapping[str, Tensor]) -> Html:
    """How strongly each level responds to one street: the mean absolute feature at every place."""
    seen: dict[str, Tensor] = {}
    parts = {"encoder 1": net.encoder1, "encoder 2": net.encoder2, "encoder 3": net.encoder3, "decoder 1": net.decoder1}
    hooks = []
    for name, part in parts.items():
        hooks.append(part.register_forward_hook(lambda _, __, output, name=name: seen.update({name: output})))
    was_training = net.training
    with torch.no_grad():
        net.eval()(dict(pictures))
    net.train(was_training)
    for hook in hooks:
        hook.remove()
    drawn = []
    for name, features in seen.items():
        strength = features[0].float().abs().mean(dim=0)
        drawn.append((show.colour(strength, "magma"), f"{name}: {' × '.join(map(str, features.shape[1:]))}"))
    return show.images(
        drawn,
        columns=4,
        pixelated=True,
        alt="The strength of the features of four levels, from fine to coarse and fine again",
        caption="Mean absolute feature at each place. Bright: many channels respond.",
    )


def losses(loss: Sequence[float]) -> Html:
    """The loss of some steps, with what a uniform guess costs."""

    def draw(ax) -> None:
        ax.axhline(math.log(11), linestyle="--", color="C6", linewidth=1)
        ax.text(len(loss) - 1, math.log(11) + 0.04, "uniform guess: ln 11", ha="right", va="bottom")
        ax.plot(loss)
        ax.set(xlabel="step", ylabel="cross-entropy", ylim=(0, max(3, *loss)))

    alt = f"The loss falls from {loss[0]:.1f} to {loss[-1]:.1f} in {len(loss)} steps"
    return show.plot(draw, size=(5.4, 2.6), alt=alt)


def learning(run: Record | None) -> Html:
    """Loss and val mIoU of one published run, one above the other."""
    if run is None:
        return missing("Learning curves")

    def draw(fig) -> None:
        above, below = fig.subplots(2, 1, sharex=True)
        above.plot(figures.steps_of_curve(run), run.training.curve, ".-")
        above.axhline(math.log(11), linestyle="--", color="C6", linewidth=1)
        above.set(ylabel="cross-entropy", ylim=(0, 2.6))
        below.plot(run.values["learning"]["step"], _points(run.values["learning"]["miou"]), "s-", color="C1")
        below.set(xlabel="step", ylabel="val mIoU, points", ylim=(0, 100))

    return show.plot(
        draw,
        size=(5.4, 4.4),
        alt="The loss falls steeply, then slowly; the mean IoU on val streets rises steeply, then slowly",
        caption=f"The published run of seed {run.seed}: {run.training.steps} steps. Dashed: a uniform guess.",
    )


def _points(shares: Sequence[float]) -> list[float]:
    return [100 * share for share in shares]


def film(run: Record | None, val: Mapping[str, Tensor]) -> Html:
    """What a published run predicted for the first val street, at each evaluation."""
    if run is None:
        return missing("Predictions during training")
    rgb, ir = val["rgb"][0], val["ir"][0]
    truth = show.labels_to_rgb(val["labels"][0])
    drawn, names = [], []
    told = zip(run.values["learning"]["step"], run.values["learning"]["miou"], run.values["pictures"])
    for step, score, picture in told:
        found = show.labels_to_rgb(figures.labels_of(picture))
        drawn.append([(rgb, "RGB"), (ir, "infrared"), (found, "predicted"), (truth, "labels")])
        names.append(f"step {step}: {100 * score:.1f} points of val mIoU")
    return show.frames(
        drawn,
        names=names,
        play=True,
        width=260,
        pixelated=True,
        alt="The labels predicted for one val street while the network learns",
        caption="One val street of 96 × 128 pixels, ten times during training.",
    )


def published(name: str, make: Callable[[dict[str, int]], nn.Module]) -> nn.Module | None:
    """The network of an arm with its published weights, or None. make: from {sense: channels} to a network."""
    senses = {"rgb": 3} if name == "rgb" else {"rgb": 3, "ir": 1}
    return figures.with_weights(PAPER, {name: make(senses)}).get(name)


def predictions(street: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Html:
    """A street, its labels, and what networks predicted, (H, W) each."""
    pictures = [(street["rgb"][0], "RGB"), (street["ir"][0], "infrared")]
    pictures.append((show.labels_to_rgb(street["labels"][0]), "labels"))
    pictures += [(show.labels_to_rgb(labels), f"predicted from {name}") for name, labels in found.items()]
    return show.images(
        pictures,
        columns=3,
        width=300,
        pixelated=True,
        alt="The night street as the networks see it, its labels, and the predictions of those that are published",
        caption="The street of the first figure at the size on which the networks learn.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Which of these runs is broken?

QUIZ = ("quiz_leak", "quiz_healthy", "quiz_dead", "quiz_labels", "quiz_norm", "quiz_rate")
FAULTS = {
    "quiz_healthy": "nothing is wrong",
    "quiz_labels": "labels shifted by 12 pixels",
    "quiz_leak": "learned from the val streets",
    "quiz_rate": "learning rate too high",
    "quiz_norm": "no batch norms",
    "quiz_dead": "dead units",
}


def run_health(run: Record | None) -> Html:
    """The health of one published run."""
    return missing("The health of a run") if run is None else show.health(run.health, _parts(run))


def _parts(run: Record) -> dict[str, str]:
    """The parts of a run in a reader's words."""
    return {part: WORDS.get(part, part) for part in run.health}


TELLS = {
    "quiz_healthy": "Every unit of every part fires, and its test mIoU is close to the best of these runs. It isn't "
    "finished: its val mIoU still improves after 400 steps, because thin things such as signs come late.",
    "quiz_labels": "The prediction shows it: every edge stands too far to the right, and what was pushed out there "
    "appears at the left edge. The loss falls all the same, because a network can learn displaced labels. "
    "A falling loss beside a val mIoU near the floor means that training and evaluation don't agree about "
    "the labels.",
    "quiz_leak": "It has the highest val mIoU of all, and on test streets it is behind the healthy run. Its prediction "
    "for the val street is cleaner, too, because it has learned from that very street. Loss and health "
    "look fine. This is why settings are chosen on val streets and numbers come from test streets.",
    "quiz_rate": "It does learn, because clipping and AdamW bound its steps. But its val mIoU comes to rest early, and "
    "far below that of the healthy run. The health shows many units that never fire: long steps have "
    "pushed them to where a ReLU passes no gradient.",
    "quiz_norm": "It learns steadily, but by far the slowest at the start, and the health shows many units that never "
    "fire. A batch norm keeps what enters a ReLU around zero, so that about half of it passes. Without "
    "norms nothing brings a unit back that has drifted to the wrong side.",
    "quiz_dead": "Only the health shows it: half of the units of encoder 3 never fire. The part has two layers, and of "
    "the second nearly all units are dead, so the deepest level carries next to nothing. Its curves and scores "
    "are as good as those of the healthy run, because the shortcuts carry what is needed.",
}
"""What gave each of them away; `check_tells` says when a record no longer shows it."""


def check_tells(runs: Mapping[str, Record]) -> None:
    """AssertionError if a run of the quiz no longer shows what its answer says."""
    of = {run.variant: run for run in runs.values()}
    healthy = of.get("quiz_healthy")
    if healthy is None:
        return
    val = {name: run.values["val"]["miou"] for name, run in of.items()}
    night = {name: run.values["night"]["miou"] for name, run in of.items()}
    course = {name: run.values["learning"]["miou"] for name, run in of.items()}
    early = {name: run.training.curve[1] for name, run in of.items()}
    dead = {name: max(part["end"]["never"] for part in run.health.values()) for name, run in of.items()}
    best = max(value for name, value in night.items() if name != "quiz_healthy") if len(night) > 1 else 0.0
    told = {
        "quiz_healthy": dead["quiz_healthy"] < 0.01 and night["quiz_healthy"] > best - 0.03,
        "quiz_labels": val.get("quiz_labels", 0) < 0.6 * val["quiz_healthy"],
        "quiz_leak": val.get("quiz_leak", 1) == max(val.values()) and night.get("quiz_leak", 0) < night["quiz_healthy"],
        "quiz_rate": "quiz_rate" not in of
        or (val["quiz_rate"] < 0.8 * val["quiz_healthy"] and val["quiz_rate"] - course["quiz_rate"][5] < 0.05),
        "quiz_norm": early.get("quiz_norm", 9) == max(early.values()) and dead.get("quiz_norm", 1) > 0.1,
        "quiz_dead": dead.get("quiz_dead", 0.5) > 0.4
        and abs(night.get("quiz_dead", best) - night["quiz_healthy"]) < 0.03,
    }
    for name in of:
        assert told[name], f"{name} no longer shows what its answer says; next: rewrite TELLS[{name!r}]"


def quiz_runs(runs: Runs) -> dict[str, Record]:
    """The runs of the quiz that are published, by letter."""
    found = {letter: record(runs, variant) for letter, variant in zip("ABCDEF", QUIZ)}
    return {letter: run for letter, run in found.items() if run is not None}


def quiz_curves(runs: Mapping[str, Record]) -> Html:
    """Loss and val mIoU of all runs of the quiz."""
    if not runs:
        return missing("The curves of the broken runs")
    styles = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1))]

    def draw(fig) -> None:
        above, below = fig.subplots(2, 1, sharex=True)
        for k, (letter, run) in enumerate(runs.items()):
            line = {"color": f"C{k}", "linestyle": styles[k], "label": letter}
            above.plot(figures.steps_of_curve(run), run.training.curve, **line)
            below.plot(run.values["learning"]["step"], _points(run.values["learning"]["miou"]), **line)
        above.axhline(math.log(11), linestyle="--", color="C6", linewidth=1)
        above.set(ylabel="training loss", ylim=(0, 3))
        below.set(xlabel="step", ylabel="val mIoU, points", ylim=(0, None))
        above.legend(ncols=6, loc="upper right", handlelength=2.2, columnspacing=1)

    return show.plot(
        draw,
        size=(5.4, 4.8),
        alt="Training loss and val mean IoU of six runs over 400 steps",
        caption="Six runs. Above: loss on the streets they learn from. Below: mIoU on val streets.",
    )


def quiz_predictions(runs: Mapping[str, Record], val: Mapping[str, Tensor]) -> Html:
    """The last prediction of every run for the first val street."""
    if not runs:
        return missing("The predictions of the broken runs")
    pictures = [(val["rgb"][0], "RGB"), (show.labels_to_rgb(val["labels"][0]), "labels")]
    for letter, run in runs.items():
        pictures.append((show.labels_to_rgb(figures.labels_of(run.values["pictures"][-1])), f"run {letter}"))
    return show.images(
        pictures,
        columns=4,
        width=200,
        pixelated=True,
        alt="One val street, its labels, and what each run predicts for it",
        caption="What each run predicts for one val street after its last step.",
    )


def quiz_scores(runs: Mapping[str, Record]) -> Html:
    """The last numbers of every run of the quiz."""
    if not runs:
        return missing("The scores of the broken runs")
    rows = []
    for letter, run in runs.items():
        val, night = 100 * run.values["val"]["miou"], 100 * run.values["night"]["miou"]
        rows.append([letter, run.training.curve[-1], val, night])
    return show.table(
        rows,
        columns=["run", "loss", "val", "test, night"],
        formats={"loss": ".2f", "val": ".1f", "test, night": ".1f"},
        caption="The last training loss, and mIoU in points on val streets and on test streets at night",
    )


def quiz_health(runs: Mapping[str, Record]) -> Html:
    """The health of every run of the quiz; a slider chooses the run."""
    if not runs:
        return missing("Health of the broken runs")
    return show.frames(
        [show.health(run.health, _parts(run)) for run in runs.values()],
        names=[f"run {letter}" for letter in runs],
        alt="The health of every part of the network",
    )


SELECT = "font:inherit;color:inherit;background:var(--pst-color-background,Canvas);max-width:100%;min-height:2.2em"

# `this` is a select: say whether the guess is right once the answer below it is open.
GUESS = (
    "const d=this.closest('.mm-guess').querySelector('details'),o=d.querySelector('output');"
    "o.textContent=this.value?(this.value==d.dataset.fault?'Your guess was right: ':'Your guess was another. '):''"
)


def quiz_answers(runs: Mapping[str, Record]) -> Html:
    """For every run a guess to make, and the answer, folded."""
    if not runs:
        return missing("The answers of the broken runs")
    check_tells(runs)
    rows = []
    for letter, run in runs.items():
        names = ["", *FAULTS.values()]
        options = "".join(tag("option", escape(name or "your guess"), value=name) for name in names)
        named = {"aria_label": f"guess for run {letter}", "autocomplete": "off"}
        guess = tag("select", options, onchange=GUESS, style=SELECT, **named)
        fault = FAULTS[run.variant]
        said = tag("output", "", style="font-weight:bold") + escape(f"{fault}.")
        answer = tag("summary", "Open the answer", style="cursor:pointer") + tag("p", said, style="margin:.2em 0")
        answer += tag("p", escape(TELLS[run.variant]), style="margin:.2em 0")
        folded = tag("details", answer, data_fault=fault)
        head = tag("div", tag("strong", f"Run {letter}") + " " + guess)
        rows.append(tag("div", head + folded, class_="mm-guess", style="border-top:1px solid #8886;padding:.4em 0"))
    return figure("".join(rows), alt="A guess for each of the runs, with the answer", caption=None, kind="quiz")


# ---------------------------------------------------------------------------------------------------------------------
# Does it hold?


def bounds(numbers: pandas.DataFrame) -> Html:
    """Floor, arms and ceiling on the night and the day test."""
    if by_seed(numbers, "night.miou").empty:
        return missing("Floor, networks and ceiling")

    def draw(fig) -> None:
        axes = fig.subplots(2, 1, sharex=True)
        for ax, time in zip(axes, ("night", "day")):
            scores = by_seed(numbers, f"{time}.miou")
            for y, arm in enumerate(reversed(ARMS)):
                values = scores[arm].dropna().tolist()
                ax.plot(values, [y] * len(values), MARKS[arm], color=COLOURS[arm], alpha=0.35, markersize=5)
                if len(values) > 1:
                    interval = t_interval(values)
                    ax.plot([interval.low, interval.high], [y, y], color=COLOURS[arm], linewidth=3)
                    ax.plot(interval.mean, y, MARKS[arm], color=COLOURS[arm], markersize=9)
            for name in ("floor", "ceiling"):
                value = float(by_seed(numbers, f"{time}.{name}").stack().mean())
                ax.axvline(value, color="C6", linestyle="--", linewidth=1.4)
                ax.text(value, 2.62, name, ha="center", va="bottom")
            ax.set(yticks=range(3), yticklabels=[_broken(ARMS[arm]) for arm in reversed(ARMS)], ylim=(-0.5, 2.6))
            ax.set_title(time, loc="left", pad=16)
        axes[-1].set(xlabel="mIoU, points", xlim=(0, 100))

    return show.plot(
        draw,
        size=(5.4, 4.4),
        alt="Mean IoU of three networks at night and by day between the floor of a blind guess and the ceiling",
        caption="One mark per seed; the large mark is the mean, the bar its 95% interval." + _so_far(numbers),
    )


def _broken(name: str) -> str:
    return name.replace(" and ", " and\n", 1)


def knob(numbers: pandas.DataFrame) -> Html:
    """IoU on people, riders and cars while they fade from the visible image."""
    seeds = by_seed(numbers, "camouflage_100.movers")
    if seeds.empty or seeds.count().max() < 2:  # one run has no interval
        return missing("The positive control")

    def draw(ax) -> None:
        for arm, name in ARMS.items():
            found = [(p, by_seed(numbers, f"camouflage_{p}.movers")[arm].dropna().tolist()) for p in KNOB]
            found = [(p, t_interval(values)) for p, values in found if len(values) > 1]
            if not found:
                continue
            at = [p for p, _ in found]
            ax.fill_between(at, [i.low for _, i in found], [i.high for _, i in found], color=COLOURS[arm], alpha=0.2)
            ax.plot(at, [i.mean for _, i in found], MARKS[arm] + "-", color=COLOURS[arm], label=name)
        ax.set(xlabel="camouflage in the visible image, %", ylabel="IoU of what moves, points", xticks=KNOB)
        ax.set(ylim=(0, None))
        ax.legend(loc="lower left")

    return show.plot(
        draw,
        size=(5.4, 3.6),
        alt="As things fade from the visible image, RGB alone loses them; with infrared they are still found",
        caption="Day streets. Mean IoU of people, riders and cars; bands are 95% intervals." + _so_far(numbers),
    )


def seed_by_seed(numbers: pandas.DataFrame, metric: str = "night.miou") -> Html:
    """One mark per run; a line joins the runs of a seed."""
    if by_seed(numbers, metric).empty:
        return missing("The networks seed by seed")
    scores = by_seed(numbers, metric)

    def draw(ax) -> None:
        for seed in scores.index:
            ax.plot(range(len(ARMS)), scores.loc[seed], color="C6", linewidth=0.8, alpha=0.6)
        for x, arm in enumerate(ARMS):
            values = scores[arm].dropna()
            ax.plot([x] * len(values), values, MARKS[arm], color=COLOURS[arm], alpha=0.8, markersize=7)
        ax.set(xticks=range(len(ARMS)), xticklabels=[_broken(name) for name in ARMS.values()], xlim=(-0.4, 2.4))
        ax.set(ylabel="mIoU at night, points")

    return show.plot(
        draw,
        alt="The mean IoU of every run at night, for three networks; the runs of a seed are joined by a line",
        caption="Every published run. A line joins the networks that share a seed." + _so_far(numbers),
    )


def curves(runs: Runs) -> Html:
    """Val mIoU during training, all seeds of all arms, and the runs with twice the steps."""
    if not any(key.variant in ARMS for key in runs):
        return missing("Learning curves")

    def draw(ax) -> None:
        for run in runs.values():
            arm, twice = run.variant.removesuffix("_x2"), run.variant.endswith("_x2")
            if arm in ARMS and run.preset == PRESET:
                style = {"linestyle": "--" if twice else "-", "linewidth": 1.2, "alpha": 0.8 if twice else 0.5}
                label = ARMS[arm] if run.seed == 0 and not twice else None
                told = run.values["learning"]
                ax.plot(told["step"], _points(told["miou"]), color=COLOURS[arm], label=label, **style)
        ax.set(xlabel="step", ylabel="val mIoU, points")
        ax.legend(loc="lower right")

    return show.plot(
        draw,
        size=(5.4, 3.6),
        alt="Val mean IoU rises steeply, then slowly, in every run; twice the steps add little",
        caption="One line per run; dashed lines are runs with twice the steps.",
    )


def twice(numbers: pandas.DataFrame) -> Html:
    """What twice the steps change, on the seeds that have both."""
    caption = "mIoU at night after the published number of steps and after twice as many, points"
    return figures.twice(numbers, "night.miou", ARMS, caption)


def judged_health(runs: Runs) -> Html:
    """The worst reading of every part at the end of training, over all judged runs of each arm."""
    if record(runs, "rgb_ir") is None:
        return missing("Health")
    judged = {arm: [run for key, run in runs.items() if (key.variant, key.preset) == (arm, PRESET)] for arm in ARMS}
    everyone = [run for some in judged.values() for run in some]
    never, varies = [], []
    for part in dict.fromkeys(part for run in judged["rgb_ir"] for part in run.health):
        ends = [[run.health[part]["end"] for run in some if part in run.health] for some in judged.values()]
        name = WORDS.get(part, part)
        never.append([name, *(max((100 * end["never"] for end in some), default=None) for some in ends)])
        varies.append([name, *(min((end["varies"] for end in some), default=None) for some in ends)])
    columns = ["part", "RGB", "and IR", "shuffled"]
    above = show.table(
        never,
        columns=columns,
        formats=".0f",
        caption="Units that never fire at the end of training, in percent of each part's: the worst seed",
    )
    below = show.table(
        varies,
        columns=columns,
        formats=".2f",
        caption="How much the output varies at the end of training: the worst seed",
        footer=f"Runs with a silent part: {sum(bool(silent(run.health)) for run in everyone)} of {len(everyone)}.",
    )
    return Html(above.html + below.html, f"{above.text}\n{below.text}")


def tuning(runs: Runs) -> Html:
    """The learning rates that were tried, and what each scored on val.

    AssertionError: the rate at which all networks train isn't the best one for both.
    """
    rates = {"5e4": 5e-4, "1e3": 1e-3, "2e3": 2e-3, "4e3": 4e-3}
    rows = []
    for ending, rate in rates.items():
        both = [record(runs, f"rgb_rate_{ending}"), record(runs, f"rate_{ending}")]
        scores = [None if run is None else 100 * run.values["val"]["miou"] for run in both]
        rows.append([f"{rate:g}", *scores])
    if any(None in row for row in rows):
        return missing("Learning rates")
    for column in (1, 2):
        best = max(rows, key=lambda row: row[column])
        assert best[0] == "0.001", f"{best[0]} is the best rate now: rewrite the paragraph above, and train at it"
    return show.table(
        rows,
        columns=["learning rate", ARMS["rgb"], ARMS["rgb_ir"]],
        formats=".1f",
        best={ARMS["rgb"]: "max", ARMS["rgb_ir"]: "max"},
        caption="mIoU on val streets after 500 steps, one run each, points",
    )


def classes(numbers: pandas.DataFrame) -> Html:
    """IoU of each class, mean over seeds, at night and by day."""
    if by_seed(numbers, "night.miou").empty:
        return missing("Single classes")
    from mmlib.scenes import CLASSES

    means = 100 * numbers[numbers.longer == 1].groupby(["variant", "metric"]).value.mean()
    rows = []
    for name in CLASSES:
        row = [name]
        for time in ("night", "day"):
            row += [means.get((arm, f"{time}.iou.{name}")) for arm in ("rgb", "rgb_ir")]
        rows.append(row)
    return show.table(
        rows,
        columns=["class", "RGB", "and IR", "RGB ", "and IR "],
        groups=[("", 1), ("at night", 2), ("by day", 2)],
        formats=".1f",
        caption="IoU of each class in points, mean over seeds",
    )


def class_iou(numbers: pandas.DataFrame, name: str, arm: str, time: str) -> float:
    """Mean IoU of one class over the seeds of an arm, in points."""
    return float(by_seed(numbers, f"{time}.iou.{name}")[arm].mean())


# ---------------------------------------------------------------------------------------------------------------------
# The seed lottery

OFF = 1.0
"""Points by which a headline may miss the mean of all seeds before it counts as off."""

LOTTERY = {
    "RGB and infrared against RGB, at night": ("rgb_ir", "rgb", "night.miou", "Infrared", "at night"),
    "RGB and infrared against RGB, by day": ("rgb_ir", "rgb", "day.miou", "Infrared", "by day"),
    "shuffled infrared against RGB, at night": ("rgb_shuffled", "rgb", "night.miou", "Shuffled infrared", "at night"),
}

# `this` is a button: draw data-n pairs of runs, count, and print the last headline. The element keeps the `count`.
DRAW = """
const f=this.closest('[data-runs]'),q=s=>f.querySelector(s),r=JSON.parse(f.dataset.runs)[q('select').selectedIndex];
const c=f.count=f.count||{n:0,sign:0,off:0,bars:Array(30).fill(0)},same=q('input').checked;let g=0,i=0,j=0;
for(let k=0;k<+this.dataset.n;k++){
i=Math.floor(Math.random()*r.a.length);j=same?i:Math.floor(Math.random()*r.b.length);g=r.a[i]-r.b[j];
c.n++;c.sign+=g*r.truth<0;c.off+=Math.abs(g-r.truth)>+f.dataset.off;
c.bars[Math.max(0,Math.min(29,Math.floor((g-f.dataset.low)/f.dataset.width)))]++}
const points=Math.abs(g).toFixed(1);
q('.mm-headline').textContent=
r.who+(g>0?' improves':' worsens')+' segmentation '+r.when+' by '+points+' points of mIoU';
q('output').textContent='Seeds '+r.seeds[i]+' and '+r.seeds[j]+'. Drawn '+c.n+' times: wrong sign '
+Math.round(100*c.sign/c.n)+' %, off by more than '+f.dataset.off+' point '+Math.round(100*c.off/c.n)+' %.';
const top=Math.max(...c.bars);
f.querySelectorAll('rect').forEach((b,k)=>{
const h=70*c.bars[k]/top;b.setAttribute('height',h);b.setAttribute('y',80-h)});
const x=360*(r.truth-f.dataset.low)/(30*f.dataset.width),t=q('.mm-truth');t.setAttribute('x1',x);t.setAttribute('x2',x)
""".replace("\n", "")

# `this` is the select or the checkbox: forget what was drawn.
FORGET = """
const f=this.closest('[data-runs]');f.count=null;
f.querySelectorAll('rect').forEach(b=>b.setAttribute('height',0));
f.querySelector('.mm-headline').textContent='\u2026';f.querySelector('output').textContent='Nothing drawn yet.'
""".replace("\n", "")


def _lots(numbers: pandas.DataFrame) -> list[dict]:
    """The comparisons of the lottery for which two seeds or more are there."""
    found = []
    for name, (a, b, metric, who, when) in LOTTERY.items():
        both = by_seed(numbers, metric)[[a, b]].dropna()
        if len(both) > 1:
            scores = {"a": both[a].round(3).tolist(), "b": both[b].round(3).tolist(), "seeds": both.index.tolist()}
            found.append({"name": name, "who": who, "when": when, "truth": float((both[a] - both[b]).mean()), **scores})
    return found


def lottery(numbers: pandas.DataFrame) -> Html:
    """Draw one stored run per arm, write the headline, and count how often it would have been wrong."""
    lots = _lots(numbers)
    if not lots:
        return missing("The seed lottery")
    differences = [x - y for lot in lots for x in lot["a"] for y in lot["b"]]
    low, high = math.floor(min(*differences, -1)), math.ceil(max(*differences, 1))
    width = (high - low) / 30
    options = "".join(tag("option", escape(lot["name"])) for lot in lots)
    select = tag("select", options, style=SELECT, onchange=FORGET, autocomplete="off", aria_label="comparison")
    box = tag("input", type="checkbox", onchange=FORGET, autocomplete="off")
    same = tag("label", box + " the same seed for both", style="white-space:nowrap")
    buttons = tag("button", "Draw", type="button", onclick=DRAW, data_n=1)
    buttons += tag("button", "Draw 100", type="button", onclick=DRAW, data_n=100)
    row = "display:flex;flex-wrap:wrap;align-items:center;gap:.4em .8em;margin:.4em 0"
    large = "font-size:1.25em;font-weight:bold;margin:.4em 0;min-height:2.6em"
    headline = tag("p", "…", class_="mm-headline", style=large)
    bars = "".join(f'<rect x="{12 * k + 1}" width="10" y="80" height="0" fill="#3a7fb0"/>' for k in range(30))
    ticks = [value for value in range(low, high + 1) if value % max(1, round((high - low) / 8)) == 0]
    at = {value: 360 * (value - low) / (high - low) for value in ticks}
    scale = "".join(
        f'<text x="{x:.0f}" y="97">{value}</text>'.replace("-", "\N{MINUS SIGN}", value < 0)
        for value, x in at.items()
        if 8 < x < 352
    )
    zero = 360 * -low / (high - low)
    truth = 360 * (lots[0]["truth"] - low) / (high - low)
    said = "How often each headline was drawn; the solid line is zero, the dashed line the mean of all seeds"
    drawn = (
        f'<svg viewBox="0 0 360 100" role="img" aria-label="{said}" style="width:100%;height:auto" font-size="12" '
        f'text-anchor="middle" fill="currentColor">{bars}<path d="M0 80H360" stroke="currentColor"/>'
        f'<path d="M{zero:.1f} 4V80" stroke="currentColor"/><line class="mm-truth" x1="{truth:.1f}" x2="{truth:.1f}" '
        f'y1="4" y2="80" stroke="currentColor" stroke-width="2" stroke-dasharray="5 4"/>{scale}</svg>'
    )
    quiet = "display:block;font-variant-numeric:tabular-nums"
    told = tag("output", "Nothing drawn yet.", style=quiet, aria_live="polite")
    parts = select + tag("div", buttons + same, style=row) + headline + told + drawn
    body = tag("div", parts, data_runs=json.dumps(lots), data_off=f"{OFF:g}", data_low=low, data_width=width)
    caption = "Headlines in points of mIoU. Solid line: zero. Dashed line: the mean difference over all seeds."
    caption += _so_far(numbers)
    return figure(body, alt="The seed lottery", caption=caption, kind="lottery", style="max-width:32rem;")


def odds(lot: Mapping, same: bool) -> tuple[float, float]:
    """How often a headline has the wrong sign, and how often it is off by more than OFF points, in percent."""
    n = len(lot["a"])
    pairs = [(i, i) for i in range(n)] if same else [(i, j) for i in range(n) for j in range(n)]
    gaps = [lot["a"][i] - lot["b"][j] for i, j in pairs]
    wrong = sum(gap * lot["truth"] < 0 for gap in gaps)
    off = sum(abs(gap - lot["truth"]) > OFF for gap in gaps)
    return 100 * wrong / len(gaps), 100 * off / len(gaps)


def lottery_odds(numbers: pandas.DataFrame) -> Html:
    """What the lottery comes to when every pair is drawn once."""
    if not _lots(numbers):
        return missing("How often a headline is wrong")
    rows = [
        [lot["name"], signed(lot["truth"]), *odds(lot, same=False), *odds(lot, same=True)] for lot in _lots(numbers)
    ]
    return show.table(
        rows,
        columns=["comparison", "mean", "wrong sign, %", "off, %", "same seed: wrong sign, %", "same seed: off, %"],
        formats=".0f",
        caption=f"All pairs of runs: headlines with the wrong sign, and off by more than {OFF:g} point",
        cards=True,
    )


def pairing(numbers: pandas.DataFrame) -> list[tuple[float, float]]:
    """Per comparison of the lottery, the spread of the difference in points: seeds paired, and seeds drawn apart."""
    found = []
    for lot in _lots(numbers):
        paired = stdev([a - b for a, b in zip(lot["a"], lot["b"])])
        found.append((paired, math.hypot(stdev(lot["a"]), stdev(lot["b"]))))
    return found


# ---------------------------------------------------------------------------------------------------------------------
# Spreads and seeds


def spreads(numbers: pandas.DataFrame) -> Html:
    """Which standard deviation answers which question, from the runs of two arms."""
    both = by_seed(numbers, "night.miou")[["rgb_ir", "rgb"]].dropna()
    n = len(both)
    if n < 2:
        return missing("Spreads")
    one, other = stdev(both["rgb_ir"]), stdev(both["rgb"])
    unpaired = math.hypot(one, other)
    difference = stdev(both["rgb_ir"] - both["rgb"])
    rows = [
        ["Could this be one more run of ours?", "one network", one, one * math.sqrt(1 + 1 / n)],
        ["Is A ahead of B, seeds paired?", "paired difference", difference, difference / math.sqrt(n)],
        ["Is A ahead of B, seeds not paired?", "both networks", unpaired, unpaired / math.sqrt(n)],
        ["Would the whole test come out alike?", "paired difference", difference, difference * math.sqrt(2 / n)],
    ]
    return show.table(
        rows,
        columns=["question", "spread of", "one run", f"{n} seeds"],
        formats=".2f",
        cards=True,
        caption=f"Standard deviations in points of mIoU at night, A = {ARMS['rgb_ir']}, B = {ARMS['rgb']}",
    )


def power(n: int, effect: float, spread: float, games: int = 4000) -> float:
    """How often n paired seeds convince: the share of games whose 95% interval lies above 0."""
    dice = torch.Generator().manual_seed(n)
    differences = effect + spread * torch.randn(games, n, generator=dice)
    half = t_quantile(n - 1) * differences.std(dim=1) / math.sqrt(n)
    return float((differences.mean(dim=1) > half).float().mean())


def power_slider(effect: float, spreads: Sequence[float], start: int) -> object:
    """The chance to be convinced against the number of seeds; the slider sets the spread of the paired difference."""
    counts = range(2, 21)
    chance = {spread: [power(n, effect, spread) for n in counts] for spread in spreads}

    def convinced(spread: float) -> Html:
        def draw(ax) -> None:
            ax.axhline(80, linestyle="--", linewidth=1, color="C6")
            ax.plot(counts, _points(chance[spread]), "o-")
            ax.set(xlabel="seeds of each network", ylabel="chance to be convinced, %", ylim=(0, 103))
            ax.set(xticks=range(2, 21, 2))

        return show.plot(draw, alt=f"Chance to be convinced by 2 to 20 seeds, spread {spread:.1f} points")

    return show.explore(
        convinced,
        "spread of the paired difference",
        list(spreads),
        start=start,
        format=lambda spread: f"{spread:.1f} points",
        alt=f"How many seeds it takes to show a gain of {effect} points",
        caption=f"A true gain of {effect} points. The dashed line is a chance of 80 %.",
    )
