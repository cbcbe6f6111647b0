"""Chapter 2's figures: the pinhole camera with a ray to point, and real beside drawn people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

import torch
from torch import Tensor

from mmlib.book import real
from mmlib.images import luma
from mmlib.scenes import CLASSES, Knobs, compose, heat, scene
from mmlib.scenes.actors import populate
from mmlib.scenes.atlas import atlas
from mmlib.scenes.geometry import views
from mmlib.scenes.knobs import resolve
from mmlib.scenes.layout import build
from mmlib.scenes.world import FAR
from mmlib.show.choose import with_data
from mmlib.show.html import Html, figure, tag
from mmlib.show.pixels import encode
from mmlib.show.widgets import ROW

# ---------------------------------------------------------------------------------------------------------------------
# The pinhole camera

CELLS = (24, 48)
"""Rows and columns of the grid on which the ray is looked up."""

AIRS = (0.0, 12.0, 24.0, 36.0)
"""Air temperatures (deg C) at which the scene's warmth is computed; the page interpolates between them."""

MARKS = (5, 10, 20, 40)
"""Distances (m) that are marked on the road."""

# `this` is one of the sliders, in the order across, down, horizon, speed, air.
AIM = (
    "const f=this.closest('figure'),d=f.ray||(f.ray=JSON.parse(f.dataset.ray)),"
    "[x,y,hz,sp,air]=[...f.querySelectorAll('input')].map(e=>+e.value),"
    "q=s=>f.querySelector(s),c=Math.min(d.w-1,Math.floor(x/100*d.w)),r=Math.min(d.h-1,Math.floor(y/100*d.h)),"
    "i=r*d.w+c,Z=d.Z[i],px=x/100*d.W,py=y/100*d.H,hp=hz/100*d.H,"
    "t=Math.min(d.T.length-1.001,air/12),k=Math.floor(t),C=d.T[k][i]*(1-t+k)+d.T[k+1][i]*(t-k);"
    "q('.mm-cross').style.cssText+=';left:'+x+'%;top:'+y+'%';"
    "q('.mm-horizon').style.top=hz+'%';"
    "f.querySelectorAll('.mm-mark').forEach(e=>{const p=hp+d.f*d.a/+e.dataset.m;e.style.top=100*p/d.H+'%';"
    "e.style.visibility=p<d.H?'inherit':'hidden'});"
    "const g=py>hp+1?d.f*d.a/(py-hp):null,l=Z===null?60:Math.min(Z,60);"
    "q('.mm-ray').setAttribute('d','M20 57L'+(20+8*l)+' '+(57+35*l*(py-hp)/d.f));"
    "const s=sp/15,z=Z===null?null:Z-s+d.V[i][1],"
    "u=z===null?0:(px-d.cx)*(Z/z-1)+d.f*d.V[i][0]/z,v=z===null?0:(py-d.cy)*(Z/z-1),"
    "w=n=>Math.abs(n).toFixed(1);"
    "q('output').textContent=d.names[d.L[i]]+', '+(Z===null?'infinitely far':Z.toFixed(1)+' m away')+"
    "(g?'; this row meets the ground at '+g.toFixed(1)+' m':'; this row never meets the ground')+"
    "'. In the next frame '+w(u)+' px further '+(u<0?'left':'right')+' and '+w(v)+' px '+(v<0?'up':'down')+"
    "' at '+sp+' m/s. '+Math.round(C+273.15)+' K ('+Math.round(C)+' °C).';"
    "this.setAttribute('aria-valuetext',this.value+' '+this.dataset.unit);"
    "this.parentNode.querySelector('span').textContent=this.value+' '+this.dataset.unit"
)
# `this` is the stage.
POINT = (
    "if(event.type=='pointerdown'||event.buttons){const r=this.getBoundingClientRect(),"
    "[a,b]=this.closest('figure').querySelectorAll('input');"
    "a.value=100*(event.clientX-r.left)/r.width;b.value=100*(event.clientY-r.top)/r.height;a.oninput();b.oninput()}"
)


def pinhole(number: int, knobs: Knobs, size: tuple[int, int]) -> Html:
    """A scene with a cross to move: what the ray through that pixel meets, how it moves, how warm it is.

    Sliders move the horizon line with its marks of distance, and set the camera's speed and the air's temperature.
    """
    picture = scene(number, size=size, knobs=knobs, fields=("rgb",))["rgb"]
    height, width = size
    ray, camera = _ray(number, knobs, size)
    horizon = round(100 * camera.cy / height)
    marks = "".join(_mark(metres) for metres in MARKS)
    line = "position:absolute;left:0;right:0;pointer-events:none;"
    stage = tag(
        "div",
        encode(picture).img("A street, seen from a car", style="")
        + tag("span", "", class_="mm-horizon", style=f"{line}top:{horizon}%;border-top:2px dashed #ffd91a")
        + marks
        + tag(
            "span",
            "",
            class_="mm-cross",
            style="position:absolute;width:22px;height:22px;margin:-11px;border:2px solid #fff;border-radius:50%;"
            "box-shadow:0 0 3px #000,inset 0 0 3px #000;pointer-events:none;left:50%;top:75%",
        ),
        class_="mm-stage",
        style="position:relative;overflow:hidden;touch-action:pan-y;cursor:crosshair",
        onpointerdown=POINT,
        onpointermove=POINT,
        ondragstart="return false",
    )
    speed = round(15 * camera_advance(number, knobs), 1)
    sliders = (
        _slider("across", "%", 0, 100, 50)
        + _slider("down", "%", 0, 100, 75)
        + _slider("horizon", "% down", 20, 80, horizon)
        + _slider("speed", "m/s", 0, 15, round(speed))
        + _slider("air", "°C", 0, 36, 12)
    )
    said = tag("output", "Point at something.", aria_live="polite", style="flex:1 1 100%;font-size:.9em;min-height:4em")
    row = tag("div", sliders + said, class_="mm-controls", style=ROW)
    made = figure(
        stage + _side() + row,
        alt="A street, and a side view of a camera above a road with the ray of one pixel",
        caption="Point at a pixel. Below the street: its ray from the side, heights stretched four times. Numbers on "
        "the picture are metres of road for a horizon at the dashed line.",
        kind="pinhole",
        style=f"max-width:{width}px;",
    )
    return with_data(made, ray=json.dumps(ray, separators=(",", ":")))


def camera_advance(number: int, knobs: Knobs) -> float:
    """How far the camera of a scene drives from one frame to the next, in metres."""
    return build(number, resolve(number, knobs), atlas()).camera.advance


def apparent(radiance: Tensor) -> Tensor:
    """The temperature (deg C) of a black body that sends as much: what a thermal camera would report."""
    table = torch.linspace(-60, 90, 1501)
    known = heat.band_radiance(table)  # rising
    place = torch.searchsorted(known, radiance.contiguous()).clamp(0, len(table) - 1)
    return table[place]


def _ray(number: int, knobs: Knobs, size: tuple[int, int]):
    """What the page looks up for each cell, and the camera in pixels of `size`."""
    source, rows, columns = atlas(), *CELLS
    small = (4 * rows, 4 * columns)
    warmth = []
    for air in AIRS:
        weather = replace(resolve(number, knobs), air=air)
        world = build(number, weather, source)
        populate(world, number, weather, source)
        view = views(world, small)[0]
        nowhere = ((0.0,) * 3,) * 3 + (0.0,)  # the sky's colours don't matter here
        (drawn,) = compose.draw(world, [(0, view)], small, weather, nowhere, source)
        warmth.append(apparent(heat.radiance(drawn.surfaces, drawn.depth, weather))[2::4, 2::4])
    depth = drawn.depth[2::4, 2::4].flatten().tolist()
    sideways, ahead = (v[2::4, 2::4].flatten().tolist() for v in compose.velocities(world, drawn.owner))
    camera = views(world, size)[0]
    return {
        "h": rows,
        "w": columns,
        "H": size[0],
        "W": size[1],
        "f": round(camera.f, 1),
        "a": round(camera.height, 3),
        "cx": round(camera.cx, 1),
        "cy": round(camera.cy, 1),
        "names": list(CLASSES),
        "L": drawn.label[2::4, 2::4].flatten().tolist(),
        "Z": [None if z > 0.5 * FAR else round(z, 1) for z in depth],
        "V": [[round(a, 3), round(b, 3)] for a, b in zip(sideways, ahead)],
        "T": [[round(value) for value in one.flatten().tolist()] for one in warmth],
    }, camera


def _mark(metres: int) -> str:
    style = (
        "position:absolute;left:50%;transform:translate(-50%,-50%);pointer-events:none;font-size:.75em;"
        "padding:0 .3em;border-radius:3px;background:rgb(0 0 0/.85);color:#ffd91a;visibility:hidden"
    )
    return tag("span", f"{metres} m", class_="mm-mark", data_m=metres, style=style)


def _slider(name: str, unit: str, low: int, high: int, value: int) -> str:
    control = tag(
        "input",
        type="range",
        min=low,
        max=high,
        step=1,
        value=value,
        oninput=AIM,
        aria_label=name,
        aria_valuetext=f"{value} {unit}",
        data_unit=unit,
        autocomplete="off",
        style="width:100%;margin:.2em 0;accent-color:#0072b2",
    )
    told = f"{escape(name)} {tag('span', escape(f'{value} {unit}'))}"
    return tag("label", told + control, style="flex:1 1 8em;min-width:0;font-size:.85em")


def _side() -> str:
    """The side view: a camera 57 units down the drawing, the ground below it, and the ray."""
    pieces = (
        '<path d="M0 105H360" stroke="currentColor" fill="none"/>'
        '<path d="M20 57H360" stroke="#b58900" fill="none" stroke-dasharray="5 4"/>'
        '<path class="mm-ray" d="M20 57L120 105" stroke="#d55e00" stroke-width="2.5" fill="none"/>'
        '<rect x="4" y="48" width="16" height="18" rx="3" fill="none" stroke="currentColor" stroke-width="2"/>'
        '<text x="26" y="50" fill="currentColor">pinhole</text><text x="300" y="50" fill="currentColor">horizon</text>'
    )
    for metres in (10, 20, 30, 40):
        pieces += f'<path d="M{20 + 8 * metres} 105v5" stroke="currentColor"/>'
        pieces += f'<text x="{20 + 8 * metres - 8}" y="121" fill="currentColor">{metres} m</text>'
    return (
        '<svg viewBox="0 0 360 126" role="img" aria-label="The ray from the side" font-size="11" '
        f'font-family="sans-serif" style="width:100%;max-width:36rem;height:auto;display:block">{pieces}</svg>'
    )


# ---------------------------------------------------------------------------------------------------------------------
# Real beside drawn

CROPS = (
    ("18", (105, 135, 218, 286)),
    ("33", (135, 150, 210, 250)),
    ("17", (128, 115, 203, 215)),
    ("42", (285, 210, 363, 314)),
    ("01", (60, 140, 135, 240)),
    ("23", (215, 135, 320, 275)),
    ("09", (325, 115, 400, 215)),
    ("36", (160, 100, 235, 200)),
    ("33", (322, 150, 397, 250)),
    ("42", (275, 80, 350, 180)),
)
"""Ten crops out of TNO pairs, x0, y0, x1, y1, each with a person or a vehicle."""

SEEDS = ((1411, "night"), (384, "night"), (384, "day"), (207, "dusk"), (1000, "night"), (52, "day"), (61, "dusk"))
"""Scenes out of which people and cars are cut, with the time of day."""

LEFT = (True, False, False, True, False, True, True, False, False, True)
"""On which side the real crop of each question stands."""


@dataclass(frozen=True)
class Crop:
    """A cut-out in two senses, both (1, H, W) in [0, 1]: `vis` is grey."""

    vis: Tensor
    ir: Tensor
    source: str


def real_crops() -> list[Crop]:
    """The ten crops out of TNO; none if this build shows no real pictures."""
    found = []
    for number, (x0, y0, x1, y1) in CROPS:
        pair = real.tno(number)
        if pair is None:
            return []
        found.append(Crop(pair["vis"][:, y0:y1, x0:x1], pair["ir"][:, y0:y1, x0:x1], f"TNO pair {number}"))
    return found


def drawn_crops(count: int, size: tuple[int, int] = (384, 768)) -> list[Crop]:
    """People and cars cut out of scenes, with as much around them as in the real crops."""
    found = []
    for number, time in SEEDS:
        street = scene(number, size=size, knobs=Knobs(time=time), fields=("rgb", "ir", "boxes", "box_labels"))
        grey = luma(street["rgb"])
        taken = 0
        for box, label in zip(street["boxes"].tolist(), street["box_labels"].tolist()):
            high = 1.5 * (box[3] - box[1])
            wide = 0.75 * high
            x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            x0, y0, x1, y1 = (round(v) for v in (x - wide / 2, y - high / 2, x + wide / 2, y + high / 2))
            kept = CLASSES[label] == "person" and size[0] / 9 < high / 1.5 < size[0] / 2.4
            kept = kept or (CLASSES[label] == "car" and size[0] / 7 < high / 1.5 and taken == 0)
            if kept and taken < 3 and x0 >= 0 and y0 >= 0 and x1 <= size[1] and y1 <= size[0]:
                cut = (slice(None), slice(y0, y1), slice(x0, x1))
                found.append(Crop(grey[cut], street["ir"][cut], f"MiniStreet, scene {number}, {time}"))
                taken += 1
        if len(found) >= count:
            break
    return found[:count]


# `this` is one of the two buttons of a question.
GUESS = (
    "const c=this.closest('.mm-question'),f=this.closest('figure'),right=this.dataset.side==c.dataset.real;"
    "if(c.dataset.answer)return;this.style.fontWeight='bold';"
    "c.dataset.answer=right?1:0;c.querySelector('.mm-said').textContent=(right?'Yes. ':'No. ')+c.dataset.told;"
    "const n=[...f.querySelectorAll('[data-answer]')];"
    "f.querySelector('output').textContent=n.filter(e=>e.dataset.answer==1).length+' right of '+n.length+' answered'"
)


def quiz(reals: Sequence[Crop], drawn: Sequence[Crop]) -> Html:
    """Which of two is the photograph? One question for each pair of crops, visible above infrared.

    Raises:
        ValueError: no crops, or other numbers of the two.
    """
    if not reals or len(reals) != len(drawn):
        raise ValueError(f"expected as many real crops as drawn ones, got {len(reals)} and {len(drawn)}")
    questions = []
    for k, (photo, made) in enumerate(zip(reals, drawn)):
        left, right = (photo, made) if LEFT[k % len(LEFT)] else (made, photo)
        sides = _half("left", left, k) + _half("right", right, k)
        said = tag(
            "div", "", class_="mm-said", aria_live="polite", style="grid-column:1/3;font-size:.8em;min-height:2.6em"
        )
        told = f"{photo.source} is the photograph."
        questions.append(
            tag(
                "div",
                sides + said,
                class_="mm-question",
                data_real="left" if left is photo else "right",
                data_told=told,
                style="display:grid;grid-template-columns:1fr 1fr;gap:3px",
            )  # fmt: skip
        )
    columns = "display:grid;gap:14px;grid-template-columns:repeat(auto-fill,minmax(150px,1fr))"
    count = tag("output", f"{len(questions)} questions", aria_live="polite", style="display:block;margin-top:.4em")
    return figure(
        tag("div", "".join(questions), style=columns) + count,
        alt="Pairs of small pictures of people and vehicles, one real and one drawn, in visible light and infrared",
        caption=f"Visible light above, infrared below. Real: {real.CREDIT} Drawn: MiniStreet, in grey.",
        kind="real-or-drawn",
    )


def _half(side: str, crop: Crop, k: int) -> str:
    size = (160, 120)
    stacked = ""
    for name, picture in (("visible", crop.vis), ("infrared", crop.ir)):
        shown = torch.nn.functional.interpolate(picture[None], size=size, mode="bilinear", antialias=True)[0]
        stacked += encode(shown.clamp(0, 1)).img(f"question {k + 1}, {side}, {name}", style="margin-bottom:2px")
    button = tag("button", "real", type="button", data_side=side, onclick=GUESS, aria_label=f"the {side} one is real",
                 style="width:100%;padding:0")  # fmt: skip
    return tag("div", stacked + button, style="min-width:0")


def texture(crops: Sequence[Crop]) -> tuple[float, float]:
    """Median over crops of the mean step between neighbouring pixels at 120 x 160: visible, infrared; grey levels."""
    steps = []
    for crop in crops:
        both = torch.stack([crop.vis, crop.ir])  # (2, 1, h, w)
        same = torch.nn.functional.interpolate(both, size=(160, 120), mode="bilinear", antialias=True)
        steps.append(255 * same.diff(dim=-1).abs().mean(dim=(1, 2, 3)))
    vis, ir = torch.stack(steps).median(dim=0).values.tolist()
    return vis, ir
