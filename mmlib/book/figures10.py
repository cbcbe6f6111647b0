"""The figures of chapter 10: streets as six senses show them, the map of what each is worth, and the widget on it.

`scores` are those of `by_metric`: one row per seed, one column per number of a run, in points.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from mmlib import show
from mmlib.book import figures
from mmlib.book.numbers import Runs, gain, missing, signed, with_half
from mmlib.flow.colour import flow_to_rgb
from mmlib.results import Interval, t_interval
from mmlib.show.html import Html, figure, tag
from mmlib.show.widgets import ROW

if TYPE_CHECKING:
    import pandas

TIMES = {"day": "by day", "dusk": "at dusk", "night": "at night"}
SENSES = {"ir": "infrared", "average": "the average", "flow": "flow", "depth": "depth", "words": "words"}
"""What can be added to RGB, in a reader's words."""

AXES = {
    "fog": ("fog", (0.0, 0.5, 1.0), ("clear", "fog_half", "fog_full")),
    "glare": ("glare", (0.0, 0.5, 1.0), ("clear", "glare_half", "glare_full")),
    "camouflage": ("camouflage", (0.0, 0.5, 1.0), ("clear", "camouflage_half", "camouflage_full")),
    "noise": ("noise of both cameras, times", (1.0, 2.5, 5.0), ("clear", "noise_half", "noise_full")),
    "misregistration": (
        "shift of the infrared image, pixels",
        (0.0, 4.0, 8.0),
        ("clear", "misregistration_half", "misregistration_full"),
    ),
    "speed": ("speed, times", (0.0, 1.0, 3.0), ("speed_none", "clear", "speed_full")),
    "air": ("air: 0 cold, 1 mild, 2 warm", (0.0, 1.0, 2.0), ("cold", "mild", "warm")),
}
"""Knobs: name, levels that were measured, and the condition of each."""

ROWS = {
    "clear": "clear",
    "fog_half": "half fog",
    "fog_full": "full fog",
    "glare_half": "half glare",
    "glare_full": "full glare",
    "camouflage_half": "half camouflage",
    "camouflage_full": "full camouflage",
    "noise_half": "noise × 2.5",
    "noise_full": "noise × 5",
    "misregistration_half": "IR shifted by 4",
    "misregistration_full": "IR shifted by 8",
    "speed_none": "standing",
    "speed_full": "speed × 3",
    "cold": "cold",
    "mild": "mild",
    "warm": "warm",
}
"""Conditions of the test, in a reader's words."""

SETS = {
    "none": "nothing",
    "words": "words",
    "flow": "flow",
    "ir": "infrared",
    "average": "average",
    "depth": "depth",
    "rgb": "RGB",
    "rgb_words": "RGB, words",
    "rgb_flow": "RGB, flow",
    "rgb_ir": "RGB, infrared",
    "rgb_average": "RGB, average",
    "rgb_depth": "RGB, depth",
    "rgb_ir_flow": "RGB, IR, flow",
    "all_but_depth": "all but depth",
    "all": "all six",
}
"""What the network is shown, in a reader's words."""

WHAT = {"miou": "points of mIoU", "movers": "points of IoU on people, riders and cars"}


# ---------------------------------------------------------------------------------------------------------------------
# Records


def by_metric(numbers: pandas.DataFrame, variant: str = "senses", longer: int = 1) -> pandas.DataFrame:
    """All numbers of a variant's runs in points (times 100): one row per seed, one column per metric.

    numbers: from `mmlib.results.frame`.  longer: 2 for the runs with twice the steps.
    """
    rows = numbers[(numbers.variant == variant) & (numbers.longer == longer)]
    return 100 * rows.pivot(index="seed", columns="metric", values="value")


def score(scores: pandas.DataFrame, path: str) -> Interval | None:
    """The mean of a number over the seeds; None with fewer than two."""
    values = scores[path].dropna().tolist() if path in scores else []
    return t_interval(values) if len(values) > 1 else None


def difference(scores: pandas.DataFrame, a: str, b: str) -> Interval | None:
    """Number `a` minus number `b` of the same run, over the seeds; None with fewer than two."""
    if a not in scores or b not in scores:
        return None
    values = (scores[a] - scores[b]).dropna().tolist()
    return t_interval(values) if len(values) > 1 else None


def worth(scores: pandas.DataFrame, sense: str, at: str, what: str = "miou") -> Interval | None:
    """What a sense adds to RGB alone. at: "night.clear", for one.  what: "miou" or "movers"."""
    return difference(scores, f"{at}.rgb_{sense}.{what}", f"{at}.rgb.{what}")


def over_the_day(scores: pandas.DataFrame, sense: str, condition: str, what: str = "miou") -> float:
    """What a sense adds to RGB alone in one condition, mean over day, dusk and night."""
    return sum(worth(scores, sense, f"{time}.{condition}", what).mean for time in TIMES) / len(TIMES)


def over_shuffled(scores: pandas.DataFrame, sense: str, at: str, what: str = "miou") -> Interval | None:
    """What a sense is worth over that of another street."""
    return difference(scores, f"{at}.rgb_{sense}.{what}", f"{at}.rgb_{sense}_shuffled.{what}")


def counts(scores: pandas.DataFrame, sense: str, at: str, what: str = "miou") -> bool:
    """Whether a gain is told from 0, and from what the sense of another street buys."""
    own, over = worth(scores, sense, at, what), over_shuffled(scores, sense, at, what)
    return own is not None and over is not None and not own.low <= 0 <= own.high and over.low > 0


# ---------------------------------------------------------------------------------------------------------------------
# Streets


def street_as_shown(street: Mapping[str, Tensor]) -> list[tuple[Tensor, str]]:
    """What four senses show of the first of some streets."""
    longest = 0.06 * street["flow"].shape[-1]
    nearness = torch.where(street["depth"][0].isinf(), 0.0, 4 / street["depth"][0])
    return [
        (street["rgb"][0], "RGB"),
        (street["ir"][0], "infrared"),
        (flow_to_rgb(street["flow"][:1], longest)[0], "flow"),
        (show.colour(nearness, "magma", 0.0, 1.0), "depth"),
    ]


OPENING = {
    "a clear day": {"time": "day"},
    "a clear night": {"time": "night"},
    "glare at night": {"time": "night", "glare": 1.0},
    "fog by day": {"time": "day", "fog": 1.0},
    "noise at night": {"time": "night", "noise": 5.0},
    "camouflage by day": {"time": "day", "camouflage": 1.0},
}


def opening(size: tuple[int, int]) -> Html:
    """One street in six conditions, as four senses show it."""
    fields = ("rgb", "ir", "flow", "depth")
    drawn = []
    for knobs in OPENING.values():
        street = figures.busiest_street(size, fields, **({"fog": 0.0, "glare": 0.0} | knobs))
        drawn.append(street_as_shown(street))
    return show.frames(
        drawn,
        names=list(OPENING),
        start=1,
        width=300,
        alt="One street as four senses show it; in each condition another of them fails",
        caption="One street in six conditions, as four senses show it.",
    )


def predictions(street: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Html:
    """Labels that the network predicts for a street, (H, W) each, by the set of senses that it is shown."""
    if not found:
        return missing("The predictions")
    given = [(street["rgb"][0], "RGB"), (street["ir"][0], "infrared")]
    truth = (show.labels_to_rgb(street["labels"][0]), "labels")
    drawn = [[*given, (show.labels_to_rgb(labels), "predicted"), truth] for labels in found.values()]
    return show.frames(
        drawn,
        names=[f"shown: {SETS[name]}" for name in found],
        width=260,
        pixelated=True,
        alt="Labels that one network predicts for one street, for each set of senses, beside the true labels",
        caption="One network and one street. The slider chooses what the network is shown.",
    )


def learning(runs: Runs) -> Html:
    """Val mIoU during training, for four sets of senses: the published run of seed 0."""
    run = figures.record(runs, "senses")
    if run is None:
        return missing("Learning curves")
    told = run.values["learning"]

    def draw(ax) -> None:
        for name in WATCHED:
            ax.plot(told["step"], [100 * value for value in told[name]], ".-", label=SETS[name])
        ax.set(xlabel="step", ylabel="val mIoU, points")
        ax.legend(loc="lower right")

    return show.plot(
        draw,
        alt="Val mean IoU while the network learns, shown RGB alone, RGB with one more sense, and all",
        caption="The published run of seed 0: one network, asked in four ways.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# The map

BLUE, ORANGE = "0,114,178", "213,94,0"
FULL = 20.0
"""Points at which a cell has its full colour."""


def _cell(scores: pandas.DataFrame, sense: str, at: str, what: str) -> Html | None:
    """What a sense is worth in one condition: coloured if the gain counts, else with the mark that says why not."""
    own = worth(scores, sense, at, what)
    if own is None:
        return None
    tint, mark = "transparent", ""
    if own.low <= 0 <= own.high:
        mark = "\N{MIDDLE DOT}"
    elif not counts(scores, sense, at, what):
        mark = "≈"
    else:
        colour = BLUE if own.mean > 0 else ORANGE
        tint = f"rgba({colour},{0.12 + 0.5 * min(1.0, abs(own.mean) / FULL):.2f})"
    large = f"{signed(own.mean)}{mark}"
    half = tag("span", f"±{own.half:.1f}", style="font-size:.85em")
    # Narrow, so that all five senses stand side by side on a phone.
    box = f"display:inline-block;font-size:.85em;padding:.1em .3em;margin:0 -.55em;border-radius:3px;background:{tint}"
    box += ";line-height:1.25"
    return Html(tag("span", f"{large}<br>{half}", style=box), f"{large} ±{own.half:.1f}")


def the_map(scores: pandas.DataFrame, what: str = "miou") -> Html:
    """What each sense adds to RGB alone in every condition; one table for each time of day.

    what: "miou", or "movers" for people, riders and cars alone.
    """
    if worth(scores, "ir", "day.clear", what) is None:
        return missing("The map")
    columns = ["", "IR", "avg.", "flow", "depth", "words"]
    tables = []
    for time in TIMES:
        rows = []
        for at, name in ROWS.items():
            label = Html(tag("span", escape(name), style="font-size:.85em"), name)
            rows.append([label, *(_cell(scores, sense, f"{time}.{at}", what) for sense in SENSES)])
        made = show.table(rows, columns=columns)
        tables.append(Html(tag("div", made.html, class_="mm-map"), made.text))  # narrow on a phone, see book.css
    return show.frames(
        tables,
        names=list(TIMES.values()),
        start=2,
        width=620,
        alt=f"What each sense adds to RGB alone, {WHAT[what]}, for sixteen conditions and three times of day",
        caption=f"What each sense adds to RGB alone: {WHAT[what]}, mean of {len(scores)} seeds, with half of the 95% "
        "interval. Avg. is the average of both cameras. Blue: it helps. Orange: it harms. A dot: the interval holds 0. "
        "≈: so does another street's sense.",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Set the conditions

PAIRS = [list(SETS).index(f"rgb_{sense}") for sense in SENSES]
LEFT, WIDE, HIGH = 104, 210, 21  # of the bars' drawing: where they begin, 100 points, and one row

# `this` is one of the controls. The level's scores are mixed from those of the two measured levels around it.
MIX = """
const f=this.closest('[data-map]'),d=JSON.parse(f.dataset.map),s=f.querySelectorAll('select'),
a=d.axes[s[1].value],S=d.scores[s[0].value][s[2].value][s[1].value],q=f.querySelector('input'),
x=a.at[0]+q.valueAsNumber/100*(a.at[2]-a.at[0]),i=x<a.at[1]?0:1,w=(x-a.at[i])/(a.at[i+1]-a.at[i]),
m=(r,j)=>(1-w)*S[i][r][j]+w*S[i+1][r][j],g=v=>(v<0?'\u2212':'+')+Math.abs(v).toFixed(1),n=d.names.length,X=v=>d.left+v*d.wide/100;
f.querySelectorAll('.mm-bar').forEach((b,r)=>{const y=m(r,0),h=m(r,1);
b.querySelector('rect').setAttribute('width',Math.max(0,X(y)-d.left));
const l=b.querySelector('line');l.setAttribute('x1',X(Math.max(0,y-h)));l.setAttribute('x2',X(y+h));
b.querySelector('.mm-value').textContent=y.toFixed(1)});
f.querySelectorAll('.mm-bound').forEach((b,k)=>{b.setAttribute('x1',X(m(n+k,0)));b.setAttribute('x2',X(m(n+k,0)))});
let best=d.pairs[0];d.pairs.forEach(r=>{if(m(r,0)>m(best,0))best=r});
f.querySelectorAll('.mm-bar rect').forEach((b,r)=>b.setAttribute('fill',r==best?'#d55e00':'#3a7fb0'));
const t=a.name+' '+(Math.round(100*x)/100)+(w==0||w==1?' (measured)':' (interpolated)');
q.setAttribute('aria-valuetext',t);f.querySelector('.mm-level').textContent=t;
f.querySelector('.mm-best').textContent='Of the pairs, '+d.names[best]+' is best: '+m(best,0).toFixed(1)+', '
+g(m(best,0)-m(d.rgb,0))+' over RGB alone.'
""".replace("\n", "")


def _levels(scores: pandas.DataFrame, time: str, what: str, at: Sequence[str]) -> list[list[list[float]]]:
    """For each level, mean and half interval of each set of senses, then floor and ceiling."""
    found = []
    for condition in at:
        level = []
        for name in (*SETS, "floor", "ceiling"):
            one = score(scores, f"{time}.{condition}.{name}.{what}")
            level.append([round(one.mean, 1), round(one.half, 1)])
        found.append(level)
    return found


def _bars(level: Sequence[Sequence[float]]) -> str:
    """One bar for each set of senses, with floor and ceiling as lines, as SVG."""
    best = max(PAIRS, key=lambda row: level[row][0])
    pieces = []
    height = HIGH * len(SETS)
    for (value, _), name in zip(level[len(SETS) :], ("floor", "ceiling")):
        x = LEFT + value * WIDE / 100
        line = f'<line class="mm-bound" x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{height}" stroke="currentColor" '
        pieces.append(line + f'stroke-dasharray="{"2 4" if name == "floor" else "7 4"}"><title>{name}</title></line>')
    for row, name in enumerate(SETS.values()):
        value, half = level[row]
        y, long = HIGH * row, value * WIDE / 100
        low, high = LEFT + max(0.0, value - half) * WIDE / 100, LEFT + (value + half) * WIDE / 100
        middle = y + HIGH / 2
        bar = f'<text x="{LEFT - 6}" y="{middle + 4}" text-anchor="end">{escape(name)}</text>'
        colour = "#d55e00" if row == best else "#3a7fb0"
        bar += f'<rect x="{LEFT}" y="{y + 3}" width="{long:.1f}" height="{HIGH - 6}" fill="{colour}"/>'
        bar += f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="currentColor"/>'
        bar += f'<text class="mm-value" x="358" y="{middle + 4}" text-anchor="end">{value:.1f}</text>'
        pieces.append(f'<g class="mm-bar">{bar}</g>')
    said = "One bar for each set of senses; the lines are floor and ceiling"
    return (
        f'<svg viewBox="0 0 360 {height}" role="img" aria-label="{said}" style="width:100%;height:auto" '
        f'font-size="12.5" fill="currentColor">{"".join(pieces)}</svg>'
    )


def set_conditions(scores: pandas.DataFrame) -> Html:
    """Choose time, knob, level and score: bars of every set of senses, between measured levels interpolated."""
    if worth(scores, "ir", "day.clear") is None:
        return missing("The conditions to set")
    table = {}
    for time in TIMES:
        table[time] = {}
        for what in ("miou", "movers"):
            table[time][what] = {knob: _levels(scores, time, what, at) for knob, (_, _, at) in AXES.items()}
    axes = {knob: {"name": name, "at": at} for knob, (name, at, _) in AXES.items()}
    facts = {"scores": table, "axes": axes, "names": list(SETS.values()), "pairs": PAIRS}
    facts |= {"rgb": list(SETS).index("rgb"), "left": LEFT, "wide": WIDE}

    def select(label: str, options: Mapping[str, str], chosen: str) -> str:
        entries = [tag("option", escape(name), value=key, selected=key == chosen) for key, name in options.items()]
        return tag("select", "".join(entries), onchange=MIX, aria_label=label, autocomplete="off", style="font:inherit")

    controls = select("time of day", TIMES, "night")
    controls += select("what is set", {knob: name for knob, (name, _, _) in AXES.items()}, "camouflage")
    controls += select("score", {"miou": "all classes", "movers": "people, riders, cars"}, "miou")
    start = "camouflage 0 (measured)"
    slider = tag("input", type="range", min=0, max=100, step=5, value=0, oninput=MIX, autocomplete="off",
                 aria_label="level", aria_valuetext=start, style="flex:1 1 10rem;min-width:8rem")  # fmt: skip
    level = table["night"]["miou"]["camouflage"][0]
    best = max(PAIRS, key=lambda row: level[row][0])
    over = level[best][0] - level[facts["rgb"]][0]
    said = f"Of the pairs, {facts['names'][best]} is best: {level[best][0]:.1f}, {signed(over)} over RGB alone."
    quiet = "font-variant-numeric:tabular-nums"
    row = tag("div", slider + tag("output", start, class_="mm-level", style=quiet), style=ROW)
    told = tag("output", said, class_="mm-best", style=f"display:block;margin:.3em 0;{quiet}", aria_live="polite")
    body = tag("div", tag("div", controls, style=ROW) + row + told + _bars(level), data_map=json.dumps(facts))
    return figure(
        body,
        alt="Set the conditions and see what each set of senses scores",
        caption=f"Points of IoU, {len(scores)} seeds, with 95% intervals. Three levels of each knob were measured. "
        "Between them the bars are interpolated linearly. Dotted line: a blind guess. Dashed line: perfect labels at "
        "half the resolution.",
        kind="conditions",
        style="max-width:34rem;",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Costs and specialists


def costs(scores: pandas.DataFrame) -> Html:
    """What each sense's own layers cost, and the whole network."""
    rows = []
    for name, label in {"rgb": "RGB", **SENSES, "all": "the whole network"}.items():
        parameters, took = score(scores, f"parameters.{name}"), score(scores, f"speed.ms.{name}")
        if parameters is None or took is None:
            return missing("Costs")
        rows.append([label, f"{parameters.mean / 100:,.0f}", took.mean / 100])
    return show.table(
        rows,
        columns=["layers of", "parameters", "ms per street"],
        formats=".2f",
        caption="What each sense's own layers cost, on one core, in batches of eight",
    )


SPECIALISTS = {"only_rgb": "rgb", "only_rgb_ir": "rgb_ir", "only_rgb_flow": "rgb_flow"}
PLACES = {"day.clear": "by day", "night.clear": "at night", "day.camouflage_full": "by day, full camouflage"}


def specialists(numbers: pandas.DataFrame, what: str = "movers") -> Html:
    """The one network against networks that have learned from one set of senses alone, and the gains of both."""
    general, rgb = by_metric(numbers), by_metric(numbers, "only_rgb")
    rows = []
    for variant, name in SPECIALISTS.items():
        own = by_metric(numbers, variant)
        for place, where in PLACES.items():
            one, other = score(general, f"{place}.{name}.{what}"), score(own, f"{place}.{name}.{what}")
            if one is None or other is None or score(rgb, f"{place}.rgb.{what}") is None:
                return missing("Specialists")
            gains = [None, None]
            if name != "rgb":
                paths = f"{place}.{name}.{what}", f"{place}.rgb.{what}"
                gains = [with_half(difference(general, *paths)), with_half(gain(numbers, variant, "only_rgb", *paths))]
            rows.append([SETS[name], where, one.mean, other.mean, *gains])
    return show.table(
        rows,
        columns=["shown", "where", "one for all", "specialist", "gain", "gain of specialists"],
        formats=".1f",
        caption=f"One network for all sets of senses, and specialists: {WHAT[what]}",
        cards=True,
    )


def twice(numbers: pandas.DataFrame) -> Html:
    """What twice the steps change, for each set of senses, on the mean over all conditions."""
    once, longer = by_metric(numbers), by_metric(numbers, longer=2)
    rows = []
    for name, label in SETS.items():
        path = f"everywhere.{name}.miou"
        if path not in once or path not in longer:
            return missing("Twice the steps")
        both = once.index.intersection(longer.index)
        before, after = once[path][both].mean(), longer[path][both].mean()
        rows.append([label, before, after, after - before])
    return show.table(
        rows,
        columns=["shown", "once", "twice", "moved"],
        formats={"once": ".1f", "twice": ".1f", "moved": "+.1f"},
        caption="mIoU on the mean over all conditions, after the published number of steps and after twice as many",
    )


RATES = {"rate_5e4": 5e-4, "rate_1e3": 1e-3, "rate_2e3": 2e-3}
WATCHED = ("rgb", "rgb_ir", "rgb_flow", "all")
"""Sets of senses whose val mIoU is watched during training."""


def tried(runs: Runs) -> dict[str, list[float]] | None:
    """The learning rates that were tried, and what each scored on val with some sets of senses, in points."""
    found = {name: figures.record(runs, name) for name in RATES}
    if None in found.values():
        return None
    return {name: [100 * run.values["val"][watched] for watched in WATCHED] for name, run in found.items()}


def tuning(runs: Runs) -> Html:
    """The table of the learning rates that were tried."""
    found = tried(runs)
    if found is None:
        return missing("Learning rates")
    return show.table(
        [[f"{RATES[name]:g}", *scores] for name, scores in found.items()],
        columns=["learning rate", *(SETS[name] for name in WATCHED)],
        formats=".1f",
        caption="mIoU on val streets after 600 steps, one run each, points",
    )


def alone(scores: pandas.DataFrame) -> Html:
    """What each sense scores alone over all conditions, and how much more that is than seeing nothing."""
    rows = []
    for sense, label in {"rgb": "RGB", **SENSES}.items():
        found = difference(scores, f"everywhere.{sense}.miou", "everywhere.none.miou")
        if found is None:
            return missing("Each sense alone")
        rows.append([label, scores[f"everywhere.{sense}.miou"].mean(), with_half(found)])
    return show.table(
        rows,
        columns=["shown alone", "mIoU", "more than nothing"],
        formats=".1f",
        caption="Each sense alone, on the mean over all conditions, points",
    )


def expectations(scores: pandas.DataFrame) -> Html:
    """What the four papers lead one to expect, beside what came out here."""
    night, day, hidden = "night.clear", "day.clear", "day.camouflage_full"
    motion = ("Flow2Seg", "Motion helps a network that sees the picture.")
    pair = ("SegMiF", "Infrared and visible complement each other.")
    fused = ("TSJNet", "One fused picture tells a network more than either source.")
    words = ("FuseNet-RIS", "Words tell a network where to look.")
    average = f"{night}.average.miou"
    told = [
        (*motion, "flow, by day", worth(scores, "flow", day)),
        (*motion, "flow at full camouflage, movers", worth(scores, "flow", hidden, "movers")),
        (*pair, "infrared, at night", worth(scores, "ir", night)),
        (*pair, "infrared, by day", worth(scores, "ir", day)),
        (*fused, "average less RGB, at night", difference(scores, average, f"{night}.rgb.miou")),
        (*fused, "average less both stacked, at night", difference(scores, average, f"{night}.rgb_ir.miou")),
        (*words, "words, at night", worth(scores, "words", night)),
    ]
    if any(found is None for *_, found in told):
        return missing("Expectations")
    rows = [[*said, with_half(found)] for *said, found in told]
    return show.table(
        rows,
        columns=["paper", "leads one to expect", "measured here", "points"],
        caption="Expectations, and what came out: mIoU, or IoU of movers where it says so",
        cards=True,
    )
