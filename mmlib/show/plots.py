"""Plots, drawn once for light pages and once for dark ones."""

import base64
import inspect
import io
from collections.abc import Callable

from mmlib.show.html import Html, figure, is_static, need_alt, tag

# Distinguishable with any colour vision, and readable on the ground they stand on; the hues agree in both themes,
# so that the prose may say "the blue line".
LIGHT = ["#0072b2", "#c04a00", "#008060", "#a8487f", "#8a6d00", "#3a7fb0", "#444444"]
DARK = ["#56b4e9", "#ff9a4d", "#2fd0a0", "#e79cc6", "#f0d046", "#9ed2f2", "#c8c8c8"]
INK = {"light": "#1b1f24", "dark": "#e4e6e9"}
GRID = {"light": "#d5d8dc", "dark": "#4a5058"}
SCALE = 100  # CSS pixels for an inch: text of 10.5 points comes out at 14.6 pixels
LARGEST_SVG = 150_000  # bytes; a drawing with more in it is smaller as pixels


def plot(draw: Callable, *, alt: str, caption: str | None = None, size: tuple[float, float] = (5.4, 3.2)) -> Html:
    """A Matplotlib plot that fits the page, light or dark.

    Args:
        draw: called as ``draw(ax)``, or as ``draw(fig)`` if its parameter is named ``fig``. It is called once per
            theme and must do the same each time. Use the colour cycle ("C0" to "C6") and no black or white.
        alt: what the plot says, in words.
        caption: plain text under it.
        size: width and height in inches; 5.4 wide is legible on a phone, a wider one scrolls there in its own frame.

    Raises:
        ValueError: for an empty ``alt``.
    """
    alt = need_alt(alt)
    body = _img(_render(draw, size, "light"), alt, size, "only-light")
    if is_static():
        # Hidden unless the book's style sheet finds a dark page: elsewhere just the light one shows.
        body += _img(_render(draw, size, "dark"), alt, size, "only-dark", hidden=True)
    body = tag(
        "div",
        body,
        class_="mm-scroll",
        style="overflow-x:auto;max-width:100%",
        tabindex=0,
        role="region",
        aria_label=alt,
    )
    return figure(body, alt=alt, caption=caption, kind="plot", style=f"max-width:{size[0] * SCALE:.0f}px;")


def style(theme: str) -> dict[str, object]:
    """Matplotlib settings of the book for ``theme`` "light" or "dark"."""
    from matplotlib import cycler

    ink, faint = INK[theme], GRID[theme]
    names = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor")
    ground = "white" if theme == "light" else "none"
    return dict.fromkeys(names, ink) | {
        "axes.prop_cycle": cycler(color=LIGHT if theme == "light" else DARK),
        "figure.facecolor": ground,
        "savefig.facecolor": ground,
        "axes.facecolor": "none",
        "legend.facecolor": "none",
        "legend.edgecolor": "none",
        "legend.framealpha": 0,
        "axes.grid": True,
        "grid.color": faint,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "font.size": 10.5,
        "axes.titlesize": 10.5,
        "lines.linewidth": 2.0,
        "figure.constrained_layout.use": True,
        "svg.hashsalt": "mmlib",
        "svg.fonttype": "path",
    }


def _render(draw: Callable, size: tuple[float, float], theme: str) -> str:
    """One drawing as a data URI: SVG, or PNG where that is smaller."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(style(theme)):
        fig = Figure(figsize=size)
        FigureCanvasAgg(fig)  # no pyplot: nothing is left open, and no window manager is asked
        parameter = next(iter(inspect.signature(draw).parameters), "")
        draw(fig if parameter in ("fig", "figure") else fig.subplots())
        data = _save(fig, "svg", metadata={"Date": None})
        if len(data) <= LARGEST_SVG:
            return "data:image/svg+xml;base64," + base64.b64encode(data).decode()
        return "data:image/png;base64," + base64.b64encode(_save(fig, "png", dpi=2 * SCALE)).decode()


def _save(fig: object, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    fig.savefig(buffer, format=kind, **options)
    return buffer.getvalue()


def _img(uri: str, alt: str, size: tuple[float, float], when: str, hidden: bool = False) -> str:
    width, height = round(size[0] * SCALE), round(size[1] * SCALE)
    least = round(size[0] * 62)
    css = f"{'display:none' if hidden else 'display:block'};width:100%;min-width:{least}px;height:auto"
    values = {"class_": f"mm-picture {when}", "width": width, "height": height}
    return tag("img", src=uri, alt=alt, style=css, **values)
