"""Figures with a slider: swipe between two pictures, step through frames, explore a parameter.

The moving parts are a few lines of script in the elements' own attributes: no library, no global name, no id, so
that any number of them live on one page, and the same HTML works in the book, in JupyterLab and in Colab.
"""

import json
from collections.abc import Callable, Sequence
from html import escape

import torch

from mmlib.show.html import Html, figure, is_static, need_alt, tag
from mmlib.show.images import SMALL, Item, as_pairs, grid
from mmlib.show.pixels import LIMIT, encode

Drawn = Html | Item | Sequence[Item]

# `this` is the range input. The value is told in text too: on screen, and to screen readers.
CUT = (
    "const v=Math.round(this.value),d=this.dataset,t=v+' % '+d.left+', '+(100-v)+' % '+d.right;"
    "this.closest('figure').style.setProperty('--mm-cut',v+'%');"
    "this.setAttribute('aria-valuetext',t);this.parentNode.querySelector('output').textContent=t"
)
# `this` is the stage with the two pictures: a finger or a mouse may drag the edge itself.
DRAG = (
    "if(event.buttons){const r=this.getBoundingClientRect(),i=this.nextElementSibling.querySelector('input');"
    "i.value=100*(event.clientX-r.left)/r.width;i.oninput()}"
)
GRAB = "this.setPointerCapture(event.pointerId);this.onpointermove(event)"
# `this` is the range input; the frames are the children of the stage before it.
STEP = (
    "const k=this.valueAsNumber,t=JSON.parse(this.dataset.names)[k],c=this.parentNode;"
    "[...c.previousElementSibling.children].forEach((f,i)=>f.style.visibility=i==k?'inherit':'hidden');"
    "this.setAttribute('aria-valuetext',t);c.querySelector('output').textContent=t"
)
# `this` is the play button. Readers who asked for less motion advance one frame per press.
PLAY = (
    "const b=this,i=b.parentNode.querySelector('input'),n=+i.max+1;"
    "const go=()=>{if(!b.isConnected)return clearInterval(b.timer);i.value=(+i.value+1)%n;i.oninput()};"
    "if(b.timer){clearInterval(b.timer);b.timer=0}"
    "else{go();if(!matchMedia('(prefers-reduced-motion: reduce)').matches)b.timer=setInterval(go,700)}"
    "b.setAttribute('aria-pressed',!!b.timer);b.textContent=b.timer?'Pause':'Play'"
)
# `this` is one of the buttons; the frames are the children of the stage before their row.
PICK = (
    "const k=+this.dataset.k,c=this.closest('.mm-controls');"
    "[...c.previousElementSibling.children].forEach((f,i)=>f.style.visibility=i==k?'inherit':'hidden');"
    "c.querySelectorAll('button').forEach(b=>{b.setAttribute('aria-pressed',b==this);"
    "b.style.outlineColor=b==this?'#d55e00':'transparent'});"
    "c.querySelector('output').textContent=this.getAttribute('aria-label')"
)
ROW = "display:flex;flex-wrap:wrap;align-items:center;gap:0 .8em;margin-top:.4em"
STACK = "grid-area:1/1;min-width:0;"


def compare(
    left: torch.Tensor,
    right: torch.Tensor,
    *,
    alt: str,
    labels: tuple[str, str] = ("a", "b"),
    caption: str | None = None,
) -> Html:
    """Two pictures of one size under each other's edge; a slider, a finger or the arrow keys move the edge.

    ``left`` and ``right`` are pictures as in :func:`images`; ``labels`` name them.

    Raises:
        ValueError: for an empty ``alt`` or pictures of different sizes.
    """
    alt = need_alt(alt)
    if left.shape[-2:] != right.shape[-2:]:
        raise ValueError(f"expected two pictures of one size, got {tuple(left.shape)} and {tuple(right.shape)}")
    below, above = encode(left), encode(right)
    cut = "clip-path:inset(0 0 0 var(--mm-cut,50%));"
    edge = "position:absolute;inset:0 auto 0 var(--mm-cut,50%);width:2px;margin-left:-1px;"
    stage = tag(
        "div",
        below.img(f"{labels[0]}: {alt}", style=STACK)
        + above.img(f"{labels[1]}: {alt}", style=STACK + cut)
        + tag("span", "", style=edge + "background:#fff;box-shadow:0 0 3px #000")
        + _badge(labels[0], "left")
        + _badge(labels[1], "right"),
        class_="mm-stage",
        style="display:grid;position:relative;overflow:hidden;touch-action:pan-y;user-select:none;cursor:ew-resize",
        onpointerdown=GRAB,
        onpointermove=DRAG,
        ondragstart="return false",
    )
    start = f"50 % {labels[0]}, 50 % {labels[1]}"
    name = f"share of {labels[0]} shown against {labels[1]}"
    control = _range(100, 50, CUT, name, start, data_left=labels[0], data_right=labels[1])
    row = tag("div", control + _output(start), class_="mm-controls", style=ROW)
    limit = f"max-width:{max(SMALL, below.width)}px;"
    return figure(stage + row, alt=alt, caption=caption, kind="compare", style=limit)


def frames(
    items: Sequence[Drawn],
    *,
    alt: str,
    names: Sequence[str],
    caption: str | None = None,
    width: int | None = None,
    play: bool = False,
    start: int = 0,
    pixelated: bool = False,
) -> Html:
    """A slider over frames, with the name of the current one in text.

    A frame is a picture as in :func:`images`, a list of them (a grid), or a finished figure. ``names`` has one
    entry per frame; ``play`` adds a button; ``start`` is the frame shown first.

    Raises:
        ValueError: for an empty ``alt``, no frames, another number of names, or ``start`` out of range.
    """
    alt = need_alt(alt)
    names = [str(name) for name in names]
    if not len(items) or len(items) != len(names):
        raise ValueError(f"expected one name for each frame, got {len(items)} frames and {len(names)} names")
    stage = _stage(items, names, start, alt, width, pixelated)
    control = _range(len(items) - 1, start, STEP, f"frame of: {alt}", names[start], data_names=json.dumps(names))
    button = tag("button", "Play", type="button", onclick=PLAY, aria_pressed="false") if play else ""
    row = tag("div", control + button + _output(names[start]), class_="mm-controls", style=ROW)
    return figure(stage + row, alt=alt, caption=caption, kind="frames", style=_widest(items, width))


def pick(
    items: Sequence[Drawn],
    *,
    faces: Sequence[Html],
    names: Sequence[str],
    alt: str,
    caption: str | None = None,
    width: int | None = None,
    start: int = 0,
    pixelated: bool = False,
) -> Html:
    """Small buttons under a stage of frames: to hover over one, to tap it, or to move to it by Tab shows its frame.

    ``items`` are frames as in :func:`frames`, one for each of ``faces``, what the buttons show, and ``names``, what
    they are called; ``start`` is the frame shown first.

    Raises:
        ValueError: for an empty ``alt``, no frames, other numbers of faces or names, or ``start`` out of range.
    """
    alt = need_alt(alt)
    if not len(items) or not len(items) == len(faces) == len(names):
        counts = f"{len(items)} frames, {len(faces)} faces and {len(names)} names"
        raise ValueError(f"expected a face and a name for each frame, got {counts}")
    stage = _stage(items, names, start, alt, width, pixelated)
    buttons = []
    for k, (face, name) in enumerate(zip(faces, names)):
        edge = "#d55e00" if k == start else "transparent"
        style = (
            f"padding:0;border:0;background:none;cursor:pointer;margin:3px;outline:3px solid {edge};outline-offset:1px"
        )
        said = {"aria_label": name, "aria_pressed": "true" if k == start else "false"}
        events = dict.fromkeys(("onclick", "onfocus", "onpointerenter"), PICK)
        buttons.append(tag("button", face.html, type="button", data_k=k, style=style, **said, **events))
    row = tag("div", "".join(buttons) + _output(names[start]), class_="mm-controls", style=ROW)
    return figure(stage + row, alt=alt, caption=caption, kind="pick", style=_widest(items, width))


def explore(
    draw: Callable[[object], Drawn],
    name: str,
    values: Sequence[object],
    *,
    alt: str,
    caption: str | None = None,
    start: int | None = None,
    format: Callable[[object], str] = str,
) -> object:
    """A slider over ``values`` that shows ``draw(value)``: a picture, a list of pictures, or a finished figure.

    With a kernel, an ipywidgets slider that calls ``draw`` at each move; in the built book the same pictures,
    drawn beforehand. ``format`` turns a value into the text beside the slider; ``start`` is the position of the
    value shown first (default: the middle one).

    Raises:
        ValueError: for an empty ``alt``, no values, or ``start`` out of range.
    """
    alt, values = need_alt(alt), list(values)
    if not values:
        raise ValueError("expected at least one value to explore, got none")
    start = len(values) // 2 if start is None else start
    names = [f"{name} = {format(value)}" for value in values]
    if is_static():
        return frames([draw(value) for value in values], names=names, start=start, alt=alt, caption=caption)
    return _live(draw, name, [(format(v), v) for v in values], start, alt, caption)


def _live(draw, name, options, start, alt, caption):
    """The ipywidgets side of :func:`explore`."""
    import ipywidgets

    slider = ipywidgets.SelectionSlider(
        options=options, index=start, description=name, continuous_update=False, style={"description_width": "initial"}
    )
    picture = ipywidgets.HTML()

    def redraw(change: object = None) -> None:
        said = f"{alt}: {name} = {slider.label}"
        drawn = _frame(draw(slider.value), said, width=None, pixelated=False)
        picture.value = figure(drawn, alt=said, caption=caption, kind="explore").html

    slider.observe(redraw, "value")
    redraw()
    return ipywidgets.VBox([picture, slider])


def _stage(
    items: Sequence[Drawn], names: Sequence[str], start: int, alt: str, width: int | None, pixelated: bool
) -> str:
    """All frames in one place, of which one is to be seen."""
    if not 0 <= start < len(items):
        raise ValueError(f"expected start from 0 to {len(items) - 1}, got {start}")
    stack = []
    for k, (item, name) in enumerate(zip(items, names)):
        drawn = _frame(item, f"{alt}: {name}", width, pixelated)
        seen = "inherit" if k == start else "hidden"
        stack.append(tag("div", drawn, class_="mm-frame", style=f"{STACK}visibility:{seen}"))
    return tag("div", "".join(stack), class_="mm-stage", style="display:grid")


def _frame(item: Drawn, alt: str, width: int | None, pixelated: bool) -> str:
    if isinstance(item, Html):
        return item.html
    pairs = as_pairs(item)
    if len(pairs) > 1 or pairs[0][1]:
        return grid(pairs, alt, None, width, pixelated)
    picture = encode(pairs[0][0], pixelated=pixelated)
    limit = width or max(SMALL, picture.width)
    return picture.img(alt, style=f"max-width:{limit}px;", pixelated=pixelated)


def _widest(items: Sequence[Drawn], width: int | None) -> str:
    """A slider under plain pictures is as wide as they are; one under grids or figures takes the whole line."""
    if any(isinstance(item, (Html, list, tuple)) for item in items):
        return ""
    return f"max-width:{width or max(SMALL, *(min(LIMIT, item.shape[-1]) for item in items))}px;"


def _range(top: int, value: int, script: str, name: str, said: str, **data: str) -> str:
    style = "flex:1 1 8em;min-width:0;margin:.4em 0;accent-color:#0072b2"
    options = {"type": "range", "min": 0, "max": top, "step": 1, "value": value}
    # autocomplete=off: a reloaded page starts as printed instead of keeping the slider where it was.
    return tag(
        "input",
        **options,
        oninput=script,
        aria_label=name,
        aria_valuetext=said,
        style=style,
        autocomplete="off",
        **data,
    )


def _output(text: str) -> str:
    # On a line of its own: a longer text must not make the slider shorter under the reader's finger.
    return tag("output", escape(text), style="flex:1 1 100%;font-size:.9em;font-variant-numeric:tabular-nums")


def _badge(text: str, side: str) -> str:
    style = (
        f"position:absolute;bottom:6px;{side}:6px;padding:0 .5em;border-radius:3px;font-size:.8em;pointer-events:none;"
    )
    return tag("span", escape(text), aria_hidden="true", style=style + "background:rgb(0 0 0/.65);color:#fff")
