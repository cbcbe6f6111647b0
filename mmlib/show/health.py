"""The health of a network's parts as one figure: what never fires, what hardly varies, what no gradient reaches."""

from collections.abc import Mapping, Sequence

from mmlib.health import DEAD_UNITS, NO_EFFECT, NO_GRADIENT, Health, Reading, why_silent
from mmlib.show.html import Html
from mmlib.show.plots import plot

WIDTH = 5.4  # inches: what is legible on a phone
ROW = 0.54  # inches for a part: a line of words and a line of marks
AROUND = 1.5  # inches for the legend above, and for the scales below
TRACK = 0.17  # of a row, that a line of marks takes above and below its middle
LONGEST = 54  # characters of a bold label that fit
MARKS = {"start": ("o", 5.0, "none"), "middle": ("o", 3.0, None), "end": ("o", 7.5, None), "now": ("o", 7.5, None)}
"""Marker, its size in points, and what fills it (None: its colour)."""

# number: title, scale, shown range, ticks with their labels, the silent zone
PANELS = {
    "never": ("units that\nnever fire", "linear", (-0.03, 1.03), {0: "0 %", 0.5: "50 %", 1: "100 %"}, (DEAD_UNITS, 2)),
    "varies": ("output varies,\nrelative to what\nit joins", "log", (1e-4, 20.0),
               {1e-4: "0", 1e-2: "1 %", 1: "100 %"}, (1e-9, NO_EFFECT)),
    "gradient": ("gradient norm\nover weight norm", "log", (1e-11, 300.0),
                 {1e-11: "0", 1e-6: "$10^{-6}$", 1: "1"}, (1e-15, NO_GRADIENT)),
}  # fmt: skip


def health(
    readings: Health | Mapping[str, Reading],
    parts: Sequence[str] | Mapping[str, str] | None = None,
    caption: str | None = None,
) -> Html:
    """One row for each named part of a network, with its numbers at start, middle and end of training.

    A part with a number in the shaded zone is silent: its row is orange, and words say why.

    Args:
        readings: `log.health`, a record's `health`, or what `mmlib.health.look` returned.
        parts: which parts to show, in this order; a mapping also says under which names.
        caption: plain text under the figure, before the sentence that names the silent parts.

    Raises:
        ValueError: if there is no part to show, or one is asked for that was not read.
    """
    shown = _chosen(readings, parts)
    silent = {name: why for name, found in shown.items() if (why := why_silent(list(found.values())[-1]))}
    words = f"{caption or ''} {_sentence(silent, shown)}".strip()
    size = (WIDTH, AROUND + ROW * len(shown))
    return plot(lambda fig: _draw(fig, shown, silent), alt=_in_words(shown, silent), caption=words, size=size)


def _chosen(readings: Health | Mapping[str, Reading], parts: Sequence[str] | Mapping[str, str] | None) -> Health:
    """The parts to show under their names: {name: {"start" | "middle" | "end" | "now": numbers}}."""
    names = dict(parts) if isinstance(parts, Mapping) else {name: name for name in parts or readings}
    missing = [name for name in names if name not in readings]
    if missing or not names:
        raise ValueError(f"expected parts out of {', '.join(readings) or 'none'}; got {', '.join(missing) or 'none'}")
    found = {shown: readings[name] for name, shown in names.items()}
    once = all(isinstance(number, (int, float)) for reading in found.values() for number in reading.values())
    return {name: {"now": reading} for name, reading in found.items()} if once else found


def _sentence(silent: Mapping[str, str], shown: Health) -> str:
    """The verdict in words."""
    when = list(next(iter(shown.values())))[-1]
    at = {"now": "", "end": " at the end of training"}.get(when, f" at the {when} of training")
    if not silent:
        return f"No part is silent{at}."
    return f"Silent{at}: " + "; ".join(f"{name}, because {why}" for name, why in silent.items()) + "."


def _in_words(shown: Health, silent: Mapping[str, str]) -> str:
    """All that the figure shows, for a reader who cannot see it."""
    lines = []
    for name, found in shown.items():
        numbers = []
        for key in ("never", "varies", "gradient", "open", "entropy"):
            values = [reading[key] for reading in found.values() if key in reading]
            if values:
                numbers.append(f"{key} {', '.join(f'{value:.2g}' for value in values)}")
        lines.append(f"{name}: {'; '.join(numbers) or 'no numbers'}")
    whens = ", ".join(next(iter(shown.values())))
    count = "1 part" if len(shown) == 1 else f"{len(shown)} parts"
    return f"Health of {count} ({whens}). {'. '.join(lines)}. {_sentence(silent, shown)}"


def _draw(fig: object, shown: Health, silent: Mapping[str, str]) -> None:
    """Three panels side by side; a part is one row through all of them."""
    panels = fig.subplots(1, len(PANELS), sharey=True)
    for axis, (key, (title, scale, limits, ticks, zone)) in zip(panels, PANELS.items()):
        axis.set_xscale(scale)
        axis.set_xlim(*limits)
        axis.set_xticks(list(ticks), labels=list(ticks.values()))
        axis.minorticks_off()
        axis.set_xlabel(title)
        axis.set_ylim(len(shown) - 0.5, -0.75)
        axis.set_yticks([])
        axis.grid(visible=False)
        axis.spines["left"].set_visible(False)
        for row, (name, found) in enumerate(shown.items()):
            edges = row - TRACK, row + TRACK
            axis.fill_betweenx(edges, *zone, color="C1", alpha=0.22, linewidth=0)
            axis.vlines(list(ticks), *edges, color="C6", alpha=0.4, linewidth=0.8)
            values = [(when, reading[key]) for when, reading in found.items() if key in reading]
            _marks(axis, row, values, limits, "C1" if name in silent else "C0")
    for row, (name, found) in enumerate(shown.items()):
        _label(panels[0], row, name, found, silent.get(name))
    _legend(fig, shown)


def _marks(axis: object, row: int, values: list[tuple[str, float]], limits: tuple[float, float], colour: str) -> None:
    """One number over time; what lies beyond the scale is drawn at its end, what is not finite is not drawn."""
    low, high = limits
    inside = [(when, min(max(value, low), high)) for when, value in values if value >= 0]
    axis.plot([value for _, value in inside], [row] * len(inside), color=colour, linewidth=1.2, alpha=0.7)
    for when, value in inside:
        marker, size, fill = MARKS.get(when, MARKS["end"])
        face = colour if fill is None else fill
        axis.plot(value, row, marker, markersize=size, color=colour, markerfacecolor=face, clip_on=False, zorder=3)


def _label(axis: object, row: int, name: str, found: Mapping[str, Reading], why: str | None) -> None:
    """A part's name, with what has no panel, and why it is silent."""
    text = name
    for key in ("open", "entropy"):
        values = [f"{reading[key]:.2f}" for reading in found.values() if key in reading]
        if values:
            text += f", {key} {' → '.join(values)}"
    if why:
        text = f"{name}: {why}"
        if len(text) > LONGEST:  # the caption has it in full
            text = f"{name}: silent"
    style = {"fontweight": "bold" if why else "normal", "in_layout": False}
    axis.text(0, row - 0.37, text, transform=axis.get_yaxis_transform(), va="center", clip_on=False, **style)


def _legend(fig: object, shown: Health) -> None:
    """What the marks mean, above everything."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles = []
    for when in next(iter(shown.values())):
        marker, size, fill = MARKS.get(when, MARKS["end"])
        face = "C0" if fill is None else fill
        handles.append(Line2D([], [], marker=marker, markersize=size, color="C0", markerfacecolor=face, label=when))
    handles.append(Patch(color="C1", alpha=0.22, label="silent"))
    fig.legend(handles=handles, loc="outside upper left", ncols=len(handles), handlelength=1.2, columnspacing=1.2)
