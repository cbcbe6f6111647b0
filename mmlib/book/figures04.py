"""The figures and widgets of chapter 4, so that its notebook shows each of them in one line.

The widget's script stands in the attribute of its own element, as in `mmlib.show.widgets`: no library, no id, no global
name, and no kernel. What it computes is compared with the chapter's own code by a test.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib import show
from mmlib.book import real
from mmlib.data import installed, load
from mmlib.flow import flow_legend, flow_to_rgb, resize_flow
from mmlib.flow import learned as learned_flow
from mmlib.flow.flownet import FlowNetS
from mmlib.images import luma, to_uint8
from mmlib.results import load_weights, read_records
from mmlib.show.html import Html, figure, tag
from mmlib.show.images import grid
from mmlib.show.pixels import encode

TITLES = {"ours": "ours", "farneback": "Farneback", "dis": "DIS", "flownet": "FlowNetS", "raft": "RAFT"}
COLOURS = {"ours": "C2", "farneback": "C1", "dis": "C0", "flownet": "C4", "raft": "C3"}
QUIET = "font-variant-numeric:tabular-nums"
WHEEL = "A colour wheel: red is motion to the right, yellow-green down, cyan to the left, violet up, white none"


def painted(flow: Tensor, longest: float) -> Tensor:
    """A flow (2, H, W) as colours (3, H, W). Arrows longer than `longest` pixels get the full colour."""
    length = flow.norm(dim=0, keepdim=True)
    return flow_to_rgb((flow * (longest / length.clamp(min=longest)))[None], longest)[0]


def flows(
    pictures: Sequence[tuple[Tensor, str]],
    arrows: Sequence[tuple[Tensor, str]],
    longest: float,
    *,
    alt: str,
    caption: str | None = None,
    columns: int = 2,
) -> Html:
    """Pictures (C, H, W) and flows (2, H, W) in one grid, with the key to their colours below it.

    longest: the length in pixels that gets the full colour.
    """
    items = [*pictures, *((painted(flow, longest), title) for flow, title in arrows)]
    words = f"Hue: the direction of motion. White stands still; full colour moves {longest:.3g} pixels or more."
    wheel = encode(flow_legend(112)).img(WHEEL, style="border-radius:50%;")
    key = tag("div", wheel, style="flex:0 0 56px") + tag("span", words)
    key = tag("div", key, style="display:flex;align-items:center;gap:.8em;margin:.5em 0;font-size:.9em")
    return figure(grid(items, alt, columns, None, False) + key, alt=alt, caption=caption, kind="flows")


# ---------------------------------------------------------------------------------------------------------------------
# Tap a pixel

# `this` is the widget; its two sliders hold the pixel. Canvases: the mark, the patch, the misfits; an SVG of lines.
TAP = """
const f=this,d=f.dataset,W=+d.width,H=+d.height,h=4,reach=6,q=s=>f.querySelector(s);
if(!f.state){
 const bytes=t=>Uint8Array.from(atob(t),c=>c.charCodeAt(0));
 f.state={a:bytes(d.now),b:bytes(d.later),u:new Int8Array(bytes(d.u).buffer),v:new Int8Array(bytes(d.v).buffer)}}
const S=f.state,X=+q('[name=x]').value,Y=+q('[name=y]').value;
const cx=x=>Math.max(0,Math.min(W-1,x)),cy=y=>Math.max(0,Math.min(H-1,y)),at=(p,x,y)=>p[cy(y)*W+cx(x)];
const n=2*reach+1,cost=new Float64Array(n*n);let least=Infinity,best=[0,0];
for(let v=-reach;v<=reach;v++)for(let u=-reach;u<=reach;u++){
 let s=0;for(let y=-h;y<=h;y++)for(let x=-h;x<=h;x++)s+=(at(S.a,X+x,Y+y)-at(S.b,X+x+u,Y+y+v))**2;
 cost[(v+reach)*n+u+reach]=s;if(s<least){least=s;best=[u,v]}}
let a=0,b=0,c=0,e=0,g=0,lines='';
for(let y=-h;y<=h;y++)for(let x=-h;x<=h;x++){
 const ix=(at(S.a,X+x+1,Y+y)-at(S.a,X+x-1,Y+y))/2,iy=(at(S.a,X+x,Y+y+1)-at(S.a,X+x,Y+y-1))/2;
 const it=at(S.b,X+x,Y+y)-at(S.a,X+x,Y+y),m=ix*ix+iy*iy;
 a+=ix*ix;b+=ix*iy;c+=iy*iy;e+=ix*it;g+=iy*it;
 if(m>4){
  const r=Math.sqrt(m),px=-it*ix/m,py=-it*iy/m,dx=-iy/r*20,dy=ix/r*20;
  lines+='M'+(px-dx).toFixed(2)+' '+(py-dy).toFixed(2)+'L'+(px+dx).toFixed(2)+' '+(py+dy).toFixed(2)}}
q('.mm-lines').setAttribute('d',lines||'M0 0');
const det=a*c-b*b,root=Math.sqrt(((a-c)/2)**2+b*b),small=Math.max(0,(a+c)/2-root)/81,large=((a+c)/2+root)/81;
const known=det>81,u=known?(b*g-c*e)/det:0,v=known?(b*e-a*g)/det:0;
f.found={best,u,v,small,large};
const t=[S.u[Y*W+X]/8,S.v[Y*W+X]/8],put=(s,x,y)=>{q(s).setAttribute('cx',x);q(s).setAttribute('cy',y)};
put('.mm-solved',u,v);put('.mm-true',t[0],t[1]);
const paint=(k,w,hh,value)=>{
 const g=q(k).getContext('2d'),im=g.createImageData(w,hh);
 for(let i=0;i<w*hh;i++){const z=value(i);im.data.set([z,z,z,255],4*i)}
 g.putImageData(im,0,0)};
paint('.mm-patch',9,9,i=>at(S.a,X+i%9-4,Y+Math.floor(i/9)-4));
const top=Math.sqrt(Math.max(...cost))||1;
paint('.mm-misfit',n,n,i=>255*Math.sqrt(cost[i])/top);
const o=q('.mm-mark').getContext('2d');o.clearRect(0,0,2*W,2*H);
o.strokeStyle='#ffd91a';o.lineWidth=2;o.strokeRect(2*(X-h),2*(Y-h),18,18);
o.strokeStyle='#d55e00';o.lineWidth=3;o.beginPath();o.moveTo(2*X+1,2*Y+1);o.lineTo(2*(X+best[0])+1,2*(Y+best[1])+1);o.stroke();
const kind=large<6?'flat: nothing can be known here':small<.08*large||small<3?
 'an edge: only the motion across it is known':'texture or a corner: both numbers can be known';
const say=(x,y,k)=>'('+x.toFixed(k)+', '+y.toFixed(k)+')';
q('output').textContent='Pixel ('+X+', '+Y+') is on '+kind+'. Best fit '+say(...best,0)+', one solve '
 +(known?say(u,v,1):'impossible')+', true '+say(...t,1)+'.';
f.querySelectorAll('input').forEach(i=>i.setAttribute('aria-valuetext',i.name+' = '+i.value));
""".strip()

# `this` is the picture: a tap moves the sliders.
POINT = """
const r=this.getBoundingClientRect(),f=this.closest('[data-now]'),q=s=>f.querySelector(s);
q('[name=x]').value=Math.floor(f.dataset.width*(event.clientX-r.left)/r.width);
q('[name=y]').value=Math.floor(f.dataset.height*(event.clientY-r.top)/r.height);
f.dispatchEvent(new Event('input'))
""".strip()


def tap(now: Tensor, later: Tensor, flow: Tensor, start: tuple[int, int]) -> Html:
    """Tap a pixel: its patch, how badly it fits at every displacement, its constraint lines, and three arrows.

    now, later: grey (1, H, W) in [0, 1].  flow: exact, (2, H, W) in pixels.  start: x, y of the first pixel.
    """
    height, width = now.shape[-2:]
    stored = (flow * 8).round().clamp(-128, 127).to(torch.int8)
    stack = "grid-area:1/1;width:100%;height:auto;display:block;"
    picture = encode(now).img("the first frame", style=stack)
    mark = tag("canvas", "", class_="mm-mark", width=2 * width, height=2 * height, aria_hidden="true", style=stack)
    stage = tag(
        "div", picture + mark, style="display:grid;cursor:crosshair;touch-action:manipulation", onpointerdown=POINT
    )
    sliders = ""
    for name, top, value, label in (("x", width - 1, start[0], "column"), ("y", height - 1, start[1], "row")):
        control = tag(
            "input",
            type="range",
            name_=name,
            min=0,
            max=top,
            value=value,
            aria_label=f"{label} of the pixel",
            autocomplete="off",
            style="flex:1 1 6em;min-width:0;accent-color:#0072b2",
        )
        sliders += tag("label", label + control, style="display:flex;gap:.5em;flex:1 1 10em;font-size:.9em")
    sliders = tag("div", sliders, style="display:flex;flex-wrap:wrap;gap:.3em 1em;margin:.4em 0")
    small = "width:100%;aspect-ratio:1;image-rendering:pixelated;display:block;background:#8884"
    patch = tag("canvas", "", class_="mm-patch", width=9, height=9, role="img", aria_label="the patch", style=small)
    misfit = tag(
        "canvas",
        "",
        class_="mm-misfit",
        width=13,
        height=13,
        role="img",
        aria_label="misfit at every displacement up to 6 pixels; dark fits",
        style=small,
    )
    lines = (
        '<svg viewBox="-6.5 -6.5 13 13" role="img" aria-label="One constraint line per pixel of the patch" '
        'style="width:100%;display:block;background:#8882;overflow:hidden">'
        '<path d="M-6.5 0H6.5M0-6.5V6.5" stroke="currentColor" stroke-width=".04"/>'
        '<path class="mm-lines" d="M0 0" stroke="currentColor" stroke-width=".06" opacity=".4" fill="none"/>'
        '<circle class="mm-true" r=".4" fill="none" stroke="#009e73" stroke-width=".15"/>'
        '<circle class="mm-solved" r=".25" fill="#d55e00"/></svg>'
    )
    cells = ""
    for title, body in (("the patch", patch), ("misfit, dark fits", misfit), ("constraint lines (u, v)", lines)):
        head = tag("div", title, style="font-size:.85em;margin-bottom:2px")
        cells += tag("div", head + body, style="flex:1 1 7em;min-width:0;max-width:11em")
    told = tag(
        "output", "Tap a pixel, or move a slider.", aria_live="polite", style=f"display:block;{QUIET};min-height:3em"
    )
    panels = tag("div", cells, style="display:flex;flex-wrap:wrap;gap:.8em;margin-top:.4em")
    body = tag(
        "div",
        stage + sliders + told + panels,
        data_width=width,
        data_height=height,
        data_now=_bytes(to_uint8(now)),
        data_later=_bytes(to_uint8(later)),
        data_u=_bytes(stored[0]),
        data_v=_bytes(stored[1]),
        oninput=TAP,
    )
    caption = (
        "Yellow: the patch. Orange: the displacement that fits best, and the solution of the 2 × 2 system. Green: true."
    )
    return figure(body, alt="Tap a pixel to see why it can or can't know its motion", caption=caption, kind="tap")


def _bytes(array: Tensor) -> str:
    return base64.b64encode(array.contiguous().numpy().tobytes()).decode()


def tap_street(street: Mapping[str, Tensor]) -> Html:
    """The widget on a MiniStreet pair at a third of its size."""
    now, later = (F.avg_pool2d(luma(street[key]), 3)[0] for key in ("rgb", "rgb_next"))
    flow = F.avg_pool2d(street["flow"], 3)[0] / 3
    height, width = now.shape[-2:]
    return tap(now, later, flow, (width // 2, height // 2))


# ---------------------------------------------------------------------------------------------------------------------
# Plots


def rings(found: Mapping[str, Sequence[tuple[float, int]]], edges: Sequence[int], caption: str, alt: str) -> Html:
    """Mean error against the distance from a motion boundary, one line per method. found[method]: (sum, pixels)."""
    names = []
    for low, high in zip((-1, *edges), edges):
        names.append(f"{low + 1}-{high}" if high > low + 1 else f"{high}")
    names.append(f"over {edges[-1]}")

    def draw(ax: object) -> None:
        for method, sums in found.items():
            values = [total / max(1, count) for total, count in sums]
            ax.plot(range(len(sums)), values, marker="o", label=TITLES[method], color=COLOURS[method])
        ax.set_xticks(range(len(names)), names, fontsize=9)
        ax.set_xlabel("distance from the nearest motion boundary, px")
        ax.set_ylabel("end-point error, px")
        ax.set_ylim(0)
        ax.legend()

    return show.plot(draw, alt=alt, caption=caption)


def classes(errors: Sequence[tuple[str, float]]) -> Html:
    """Bars of the error per class, largest on top."""

    def draw(ax: object) -> None:
        ax.barh([name for name, _ in reversed(errors)], [value for _, value in reversed(errors)], color="C0")
        ax.set_xlabel("end-point error of DIS, px")

    alt = f"Mean error per class, largest for {errors[0][0]}, smallest for {errors[-1][0]}"
    return show.plot(draw, alt=alt, size=(5.4, 3.4))


def learned() -> Callable[[Tensor, Tensor], Tensor] | None:
    """FlowNetS with the weights that `nbs/04c_flownet.ipynb` has published, from frames to flow; None before that."""
    try:
        state = load_weights("motion/flownet")
    except FileNotFoundError:
        return None
    net = FlowNetS()
    net.load_state_dict(state)
    return partial(learned_flow.estimate, net.eval())


def learned_record() -> dict | None:
    """What that notebook measured on MiniStreet and Middlebury; None if it was never run with both."""
    for key, record in read_records("motion").items():
        if key.variant == "flownet" and "middlebury" in record.values:
            return record.values
    return None


def rubber_whale(methods: Mapping[str, Callable[[Tensor, Tensor], Tensor]]) -> Html | None:
    """A real pair and its flow by every method; None where it may not be shown.

    The frames come with the book, 400 pixels wide. The true flow is shown beside them where Middlebury is at hand.

    methods: {name: a function (rgb, rgb_next) -> flow}.
    """
    frames = real.rubber_whale()
    if frames is None:
        return None
    now, later = frames
    arrows = []
    if installed("middlebury") and real.others_allowed():
        sample = load("middlebury")["RubberWhale"]
        truth = sample["flow"].masked_fill(~sample["valid"], math.nan)
        truth = resize_flow(truth[None], now.shape[-2:], mode="area")[0]
        arrows.append((truth, "true flow; black is unknown"))
    for name, method in methods.items():
        arrows.append((method(now[None], later[None])[0], TITLES[name]))
    return flows(
        [(now, "the picture at t")],
        arrows,
        3.0,
        columns=3,
        alt="A real picture of toys and cloth, and the estimates of its flow",
        caption=real.WHALE_CREDIT,
    )
