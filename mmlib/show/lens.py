"""A lens over a picture: what another sense sees at one place.

No library, no id and no global name, as in `mmlib.show.widgets`: the script stands in the elements' own attributes.
"""

import json
from collections.abc import Mapping, Sequence
from html import escape
from math import hypot, sqrt

import torch

from mmlib.show.choose import with_data
from mmlib.show.html import Html, figure, need_alt, tag
from mmlib.show.pixels import encode
from mmlib.show.widgets import GRAB, ROW, STACK

# `this` is one of the two sliders. Where the lens is over the target, the note about it is said. The sentence is only
# replaced by another one: a screen reader says the slider's place already, and would repeat the rest at every step.
MOVE = (
    "const f=this.closest('figure'),[a,b]=f.querySelectorAll('input'),x=+a.value,y=+b.value,s=f.style,"
    "[l,t,r,d]=JSON.parse(f.dataset.target),n=f.querySelector('button[aria-pressed=true]').textContent;"
    "s.setProperty('--mm-x',x+'%');s.setProperty('--mm-y',y+'%');"
    "a.setAttribute('aria-valuetext',x+' %');b.setAttribute('aria-valuetext',y+' %');"
    "const w=x>=l&&x<=r&&y>=t&&y<=d?f.dataset.found:'The lens shows '+n+'.',o=f.querySelector('output');"
    "if(o.textContent!=w)o.textContent=w"
)
# `this` is the stage: a finger or a mouse takes the lens along.
DRAG = (
    "if(event.buttons){const r=this.getBoundingClientRect(),[a,b]=this.closest('figure').querySelectorAll('input');"
    "a.value=100*(event.clientX-r.left)/r.width;b.value=100*(event.clientY-r.top)/r.height;a.oninput()}"
)
# `this` is the button of a layer.
LAYER = (
    "const f=this.closest('figure'),k=+this.dataset.k;"
    "f.querySelectorAll('button').forEach(b=>{b.setAttribute('aria-pressed',b==this);"
    "b.style.fontWeight=b==this?'bold':'normal'});"
    "f.querySelectorAll('.mm-layer').forEach((e,i)=>e.style.visibility=i==k?'inherit':'hidden');"
    "f.querySelector('input').oninput()"
)
RADIUS = 13  # of the lens, in per cent of the picture's width


def lens(
    picture: torch.Tensor,
    layers: Mapping[str, torch.Tensor],
    *,
    target: Sequence[float],
    found: str,
    alt: str,
    start: tuple[int, int] = (50, 50),
    caption: str | None = None,
) -> Html:
    """A picture with a round window onto others, moved by finger, mouse, or two sliders.

    Args:
        picture: as in :func:`images`, as wide as the line.
        layers: pictures of the same size by name; a button for each chooses what the lens shows.
        target: x0, y0, x1, y1 in the picture's pixels: where something is to be found.
        found: what is said once the lens is there.
        start: where the lens is at first, in per cent across and down.
        alt, caption: as in :func:`images`.

    Raises:
        ValueError: for an empty ``alt``, no layers, or a layer of another size.
    """
    alt = need_alt(alt)
    if not layers:
        raise ValueError("expected at least one layer for the lens, got none")
    for name, layer in layers.items():
        if layer.shape[-2:] != picture.shape[-2:]:
            sizes = f"{tuple(picture.shape[-2:])}, got {tuple(layer.shape[-2:])}"
            raise ValueError(f"expected the layer {name!r} in the picture's size {sizes}")
    height, width = picture.shape[-2:]
    place = "var(--mm-x) var(--mm-y)"
    # A circle's per cent are of the diagonal over the square root of 2, the ring's of the width.
    share = RADIUS * width / (hypot(width, height) / sqrt(2))
    stacked = encode(picture).img(alt, style=STACK)
    for k, (name, layer) in enumerate(layers.items()):
        seen = "inherit" if k == 0 else "hidden"
        style = f"{STACK}clip-path:circle({share:.2f}% at {place});outline:0;visibility:{seen}"
        stacked += (
            encode(layer)
            .img(f"the same scene through the lens: {name}", style=style)
            .replace("mm-picture", "mm-picture mm-layer")
        )
    ring = (
        f"position:absolute;left:var(--mm-x);top:var(--mm-y);width:{2 * RADIUS}%;aspect-ratio:1;pointer-events:none;"
        "transform:translate(-50%,-50%);border-radius:50%;border:2px solid #fff;box-shadow:0 0 4px #000;"
        "box-sizing:border-box"
    )
    stage = tag(
        "div",
        stacked + tag("span", "", style=ring),
        class_="mm-stage",
        style="display:grid;position:relative;overflow:hidden;touch-action:pan-y;user-select:none;cursor:move",
        onpointerdown=GRAB,
        onpointermove=DRAG,
        ondragstart="return false",
    )
    buttons = "".join(_button(k, name) for k, name in enumerate(layers))
    buttons = tag("div", buttons, role="group", aria_label="what the lens shows", style="display:flex;gap:.5em")
    sliders = _slider("across", start[0]) + _slider("down", start[1])
    sliders = tag("div", sliders, style="display:flex;gap:.8em;flex:1 1 14em;min-width:0")
    first = f"The lens shows {next(iter(layers))}."
    said = tag("output", escape(first), aria_live="polite", style="flex:1 1 100%;font-size:.9em;min-height:1.6em")
    row = tag("div", buttons + sliders + said, class_="mm-controls", style=ROW)
    style = f"--mm-x:{start[0]}%;--mm-y:{start[1]}%;"
    made = figure(stage + row, alt=alt, caption=caption, kind="lens", style=style)
    x0, y0, x1, y1 = target
    shares = [100 * x0 / width, 100 * y0 / height, 100 * x1 / width, 100 * y1 / height]
    return with_data(made, target=json.dumps([round(value, 1) for value in shares]), found=found)


def _button(k: int, name: str) -> str:
    weight = "bold" if k == 0 else "normal"
    pressed = "true" if k == 0 else "false"
    return tag("button", escape(name), type="button", data_k=k, onclick=LAYER, aria_pressed=pressed,
               style=f"font-weight:{weight}")  # fmt: skip


def _slider(way: str, value: int) -> str:
    style = "flex:1 1 5em;min-width:0;margin:.4em 0;accent-color:#0072b2"
    control = tag("input", type="range", min=0, max=100, step=1, value=value, oninput=MOVE, autocomplete="off",
                  aria_label=f"the lens, {way}", aria_valuetext=f"{value} %", style=style)  # fmt: skip
    row = "display:flex;align-items:center;gap:.5em;flex:1;min-width:0;font-size:.9em"
    return tag("label", way + control, style=row)
