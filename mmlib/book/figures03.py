"""The figures and widgets of chapter 3, so that its two notebooks show each of them in one line.

A widget's script stands in the attribute of its own element, as in `mmlib.show.widgets`: no library, no id, no global
name, and no kernel. Where a script computes a metric, a test compares it with `mmlib.metrics`.
"""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Mapping, Sequence
from html import escape

import torch
import torch.nn.functional as F
from torch import Tensor

from mmlib import show
from mmlib.book import real
from mmlib.data import installed, load
from mmlib.fusion.rules import average, by_saliency, laplacian_pyramid, maximum
from mmlib.images import from_uint8, luma, to_uint8
from mmlib.metrics import detection, fusion
from mmlib.scenes import Knobs, scenes, split_seeds
from mmlib.show.html import Html, figure, tag
from mmlib.show.pixels import encode

RULES = {"average": average, "maximum": maximum, "pyramid": laplacian_pyramid, "saliency": by_saliency}
SIX = ("sf", "psnr", "mi", "scd", "ssim", "qabf")
FIVE = ("en", "sf", "mi", "ssim", "qabf")
NAMES = {"en": "EN", "sf": "SF", "mi": "MI", "ssim": "SSIM", "qabf": "Qabf", "psnr": "PSNR", "scd": "SCD"}
FUSIONS = (
    "Fused by the plain average, by a Laplacian pyramid, and by two networks with their authors' weights, ReCoNet "
    "(Huang et al., 2022) and TarDAL (Liu et al., 2022)."
)
QUIET = "font-variant-numeric:tabular-nums"
ROW = "display:flex;flex-wrap:wrap;align-items:center;gap:.3em .8em;margin:.3em 0"


def night_pairs(count: int, size: tuple[int, int], seed: int = 0, noise: float = 1.0) -> tuple[Tensor, Tensor]:
    """`count` night streets, (B, 3, H, W) and (B, 1, H, W), rounded to 8 bits as if they came from files."""
    seeds = split_seeds("test", count, start=seed + 4)
    night = scenes(seeds, size=size, knobs=Knobs(time="night", noise=noise), fields=("rgb", "ir"))
    return from_uint8(to_uint8(night["rgb"])), from_uint8(to_uint8(night["ir"]))


def _sources(visible: Tensor, infrared: Tensor) -> str:
    """Both sources side by side, small at every width."""
    cells = ""
    for picture, name in ((visible, "visible"), (infrared, "infrared")):
        cells += tag("div", tag("div", name, style="font-size:.85em") + encode(picture).img(name), style="min-width:0")
    style = "display:grid;grid-template-columns:1fr 1fr;gap:8px;max-width:26rem;margin:.4em 0"
    return tag("div", cells, style=style)


# ---------------------------------------------------------------------------------------------------------------------
# The blind vote

# `this` is the widget; a click on a picture votes, a click on the last button starts again.
VOTE = """
const b=event.target.closest('button');if(!b)return;
const f=this,r=JSON.parse(f.dataset.rounds),q=s=>[...f.querySelectorAll(s)],panels=q('.mm-round');
const out=f.querySelector('output'),end=f.querySelector('.mm-end');
if(!f.votes||b.dataset.again){f.votes=[];end.hidden=true;
 q('.mm-name').forEach(n=>n.style.visibility='hidden');
 q('.mm-round button').forEach(x=>{x.disabled=false;x.style.outlineColor='transparent'})}
if(b.dataset.k){f.votes.push(+b.dataset.k);b.style.outlineColor='#d55e00'}
const n=f.votes.length;
panels.forEach((p,i)=>p.hidden=i!=n&&n<r.length);
if(n<r.length){out.textContent='Round '+(n+1)+' of '+r.length+': which picture is best?';
 if(b.dataset.again||n)panels[n].querySelector('button').focus();return}
q('.mm-name').forEach(x=>x.style.visibility='inherit');
q('.mm-round button').forEach(x=>x.disabled=true);
const mine=f.votes.map((k,i)=>r[i].names[k]);
out.textContent='You chose '+mine.join(', ')+'.';
q('.mm-end tbody tr').forEach(t=>{
 const theirs=r.map(x=>x.best[t.dataset.metric]);
 t.cells[1].textContent=theirs.join(', ');
 t.cells[2].textContent=theirs.filter((x,i)=>x==mine[i]).length+' of '+r.length});
end.hidden=false;
""".strip()


def vote(count: int = 3, size: tuple[int, int] = (384, 768), seed: int = 0) -> Html:
    """Four fused pictures without names in each round; after the last one, their names and what six metrics say.

    TNO pairs where the pictures that come with the book may be shown, MiniStreet's night elsewhere.
    """
    pairs = _real_rounds(count)
    rounds = pairs or _drawn_rounds(count, size, seed)
    shuffle = random.Random(seed)
    panels, told = [], []
    for number, (rgb, ir, fused) in enumerate(rounds):
        names = list(fused)
        shuffle.shuffle(names)
        scores = {name: fusion.evaluate(fused[name], rgb, ir, SIX) for name in names}
        best = {metric: max(names, key=lambda name: float(scores[name][metric])) for metric in SIX}
        told.append({"names": names, "best": best})
        panels.append(_round(number, rgb, ir, [fused[name] for name in names], names))
    kind = "Real pictures" if pairs else "Drawn streets, because real pictures can't be shown here"
    start = f"Round 1 of {len(told)}: which picture is best?"
    output = tag("output", start, aria_live="polite", style="display:block;font-weight:bold;margin:.3em 0")
    heads = "".join(tag("th", name, scope="col") for name in ("metric", "its favourites", "agrees with you"))
    rows = "".join(
        tag("tr", tag("th", NAMES[metric], scope="row") + tag("td") + tag("td"), data_metric=metric) for metric in SIX
    )
    again = tag("button", "Vote again", type="button", data_again=1)
    table = tag("table", tag("thead", tag("tr", heads)) + tag("tbody", rows), class_="mm-table", style="font-size:.9em")
    end = tag("div", table + again, class_="mm-end", hidden=True, style="overflow-x:auto")
    body = tag("p", tag("strong", kind), style="margin:0") + output + "".join(panels) + end
    body = tag("div", body, data_rounds=json.dumps(told), onclick=VOTE)
    credit = f"Pairs: {real.CREDIT} {FUSIONS}" if pairs else "MiniStreet at night."
    return figure(body, alt="A blind vote between fused pictures", caption=credit, kind="vote")


def _drawn_rounds(count: int, size: tuple[int, int], seed: int) -> list[tuple[Tensor, Tensor, dict[str, Tensor]]]:
    rgb, ir = night_pairs(count, size, seed)
    found = []
    for i in range(count):
        grey, heat = luma(rgb[i : i + 1]), ir[i : i + 1]
        found.append((rgb[i : i + 1], heat, {name: rule(grey, heat) for name, rule in RULES.items()}))
    return found


def _real_rounds(count: int) -> list[tuple[Tensor, Tensor, dict[str, Tensor]]]:
    """TNO pairs with two rules and two networks; [] if they may not be shown."""
    found = []
    for number in real.VOTED[:count]:
        pair, networks = real.tno(number), real.tno_fused(number)
        if pair is None or networks is None:
            return []
        grey, heat = pair["vis"][None], pair["ir"][None]
        fused = {name: RULES[name](grey, heat) for name in ("average", "pyramid")}
        fused |= {name: image[None] for name, image in networks.items()}
        found.append((grey, heat, fused))
    return found


def _round(number: int, rgb: Tensor, ir: Tensor, images: Sequence[Tensor], names: Sequence[str]) -> str:
    """One round: the two sources, small, and a button for each picture."""
    scale = min(1.0, 340 / rgb.shape[-1])
    small = [F.interpolate(x, scale_factor=scale, mode="area")[0] for x in (rgb, ir, *images)]
    sources = _sources(small[0], small[1])
    buttons = []
    for k, (picture, name) in enumerate(zip(small[2:], names)):
        letter = "ABCD"[k]
        face = encode(picture).img(f"picture {letter}") + f"{letter} "
        face += tag("span", escape(name), class_="mm-name", style="visibility:hidden;font-weight:bold")
        style = "padding:0;border:0;background:none;color:inherit;cursor:pointer;min-width:0;"
        style += "outline:3px solid transparent;outline-offset:2px"
        buttons.append(tag("button", face, type="button", data_k=k, style=style))
    grid = "display:grid;grid-template-columns:1fr 1fr;gap:10px;margin:.4em 0"
    body = sources + tag("div", "".join(buttons), style=grid)
    return tag("div", body, class_="mm-round", hidden=number > 0)


# ---------------------------------------------------------------------------------------------------------------------
# Cheat the metrics

# `this` is the widget. Its state (the decoded pictures, a fixed noise, the sources' edges) is kept on the element.
CHEAT = """
const f=this,d=f.dataset,W=+d.width,H=+d.height,N=W*H,q=s=>f.querySelector(s);
const box=p=>{
 const I=new Float64Array((W+1)*(H+1)),out=new Float64Array((W-6)*(H-6));
 for(let y=0;y<H;y++){let row=0;for(let x=0;x<W;x++){
  row+=p[y*W+x];I[(y+1)*(W+1)+x+1]=I[y*(W+1)+x+1]+row}}
 for(let y=0,k=0;y<H-6;y++)for(let x=0;x<W-6;x++){
  const t=y*(W+1)+x,b=(y+7)*(W+1)+x;out[k++]=(I[b+7]-I[b]-I[t+7]+I[t])/49}
 return out};
const times=(p,r)=>{const o=new Float64Array(N);for(let i=0;i<N;i++)o[i]=p[i]*r[i];return o};
const entropy=h=>{let s=0;for(const n of h)if(n)s-=n/N*Math.log(n/N);return s};
const count=p=>{const h=new Float64Array(256);for(const v of p)h[v]++;return h};
const shared=(a,x)=>{
 const j=new Float64Array(65536);for(let i=0;i<N;i++)j[a[i]*256+x[i]]++;
 return entropy(count(a))+entropy(count(x))-entropy(j)};
const similar=(a,x,m)=>{
 const ma=a.mean,mx=m.mean,c=box(times(a.p,x)),k=49/48;let s=0;
 for(let i=0;i<c.length;i++){
  const va=k*(a.square[i]-ma[i]*ma[i]),vx=k*(m.square[i]-mx[i]*mx[i]),cov=k*(c[i]-ma[i]*mx[i]);
  s+=(2*ma[i]*mx[i]+6.5025)/(ma[i]*ma[i]+mx[i]*mx[i]+6.5025)*(2*cov+58.5225)/(va+vx+58.5225)}
 return s/c.length};
const moments=p=>({p,mean:box(p),square:box(times(p,p))});
const edges=p=>{
 const g=new Float64Array(N),t=new Float64Array(N),at=(x,y)=>x<0||y<0||x>=W||y>=H?0:p[y*W+x];
 for(let y=0;y<H;y++)for(let x=0;x<W;x++){
  const sx=at(x-1,y-1)+2*at(x-1,y)+at(x-1,y+1)-at(x+1,y-1)-2*at(x+1,y)-at(x+1,y+1);
  const sy=at(x-1,y+1)+2*at(x,y+1)+at(x+1,y+1)-at(x-1,y-1)-2*at(x,y-1)-at(x+1,y-1);
  g[y*W+x]=Math.hypot(sx,sy);t[y*W+x]=sx?Math.atan(sy/sx):Math.PI/2}
 return{g,t}};
const kept=(s,e)=>{
 let above=0,below=0;
 for(let i=0;i<N;i++){
  const a=s.g[i],b=e.g[i],r=a==b?b:Math.min(a,b)/Math.max(a,b),turn=1-Math.abs(s.t[i]-e.t[i])*2/Math.PI;
  above+=a*.9994*.9879/((1+Math.exp(15*(.5-r)))*(1+Math.exp(22*(.8-turn))));below+=a}
 return[above,below]};
if(!f.state){
 const bytes=t=>Uint8Array.from(atob(t),c=>c.charCodeAt(0));
 const a=bytes(d.visible),b=bytes(d.infrared);
 let r=1;const next=()=>(r=r*16807%2147483647)/2147483647;
 const noise=Float64Array.from({length:N},()=>Math.sqrt(-2*Math.log(next()))*Math.cos(2*Math.PI*next()));
 f.state={a,b,start:bytes(d.fused),noise,ma:moments(a),mb:moments(b),ea:edges(a),eb:edges(b)}}
const S=f.state,set=Object.fromEntries([...f.querySelectorAll('input')].map(i=>[i.name,+i.value]));
let p=Float64Array.from(S.start);
const c=set.copy/100,source=c>0?S.a:S.b;
for(let i=0;i<N;i++)p[i]+=Math.abs(c)*(source[i]-p[i]);
if(set.blur){
 const sigma=set.blur/10,R=Math.ceil(3*sigma),w=[];let total=0;
 for(let k=-R;k<=R;k++)total+=w[k+R]=Math.exp(-k*k/(2*sigma*sigma));
 for(const[step,size]of[[1,W],[W,H]]){
  const o=new Float64Array(N);
  for(let i=0;i<N;i++){
   const at=step==1?i%W:Math.floor(i/W);let s=0;
   for(let k=-R;k<=R;k++)s+=w[k+R]*p[i+step*(Math.max(0,Math.min(size-1,at+k))-at)];
   o[i]=s/total}
  p=o}}
let mean=0;for(const v of p)mean+=v/N;
const x=new Uint8Array(N);
for(let i=0;i<N;i++)x[i]=Math.max(0,Math.min(255,Math.round(mean+set.gain/100*(p[i]-mean)+set.noise*S.noise[i])));
const m=moments(x),e=edges(x);let across=0,down=0;
for(let y=0;y<H;y++)for(let k=0;k<W;k++){
 const i=y*W+k;if(k)across+=(x[i]-x[i-1])**2;if(y)down+=(x[i]-x[i-W])**2}
const[n1,d1]=kept(S.ea,e),[n2,d2]=kept(S.eb,e);
const score={en:entropy(count(x))/Math.LN2,sf:Math.sqrt(across/(H*(W-1))+down/((H-1)*W)),
 mi:shared(S.a,x)+shared(S.b,x),ssim:similar(S.ma,x,m)+similar(S.mb,x,m),qabf:(n1+n2)/(d1+d2)};
f.score=score;
const field=JSON.parse(d.field),place={};let sum=0;
for(const k in score){
 place[k]=1+field[k].filter(v=>v>score[k]+1e-6).length;sum+=place[k];
 const row=q('[data-metric='+k+']');
 row.cells[1].textContent=score[k].toFixed(2);row.cells[2].textContent=place[k]}
const keys=Object.keys(score),better=(k,v)=>field[k].filter(w=>w>v+1e-6).length+(score[k]>v+1e-6);
const others=field.en.map((_,i)=>keys.reduce((t,k)=>t+1+better(k,field[k][i]),0));
const overall=1+others.filter(v=>v<sum-1e-9).length;
const g=q('canvas').getContext('2d'),im=g.createImageData(W,H),px=im.data;
for(let i=0;i<N;i++){px[4*i]=px[4*i+1]=px[4*i+2]=x[i];px[4*i+3]=255}
g.putImageData(im,0,0);const first=q('.mm-start');if(first)first.remove();
f.querySelectorAll('li').forEach(l=>{
 const ok=l.dataset.need.split(' ').every(k=>k=='overall'?overall==1:place[k]==1);
 if(ok)l.querySelector('b').textContent='done: '});
q('output').textContent='Your mean place is '+(sum/5).toFixed(1)+', number '+overall+' of 7 overall. SF '
 +score.sf.toFixed(1)+', SSIM '+score.ssim.toFixed(2)+'.';
f.querySelectorAll('input').forEach(i=>{
 const t=i.name=='copy'?(i.value>0?i.value+' % visible':i.value<0?-i.value+' % infrared':'nothing')
  :i.name=='blur'?(i.value/10).toFixed(1)+' px':i.name=='gain'?(i.value/100).toFixed(2)+' x':i.value+' levels';
 i.setAttribute('aria-valuetext',t);i.nextElementSibling.textContent=t});
""".strip()

# `this` is the button that puts every slider back.
RESET = """
const f=this.closest('[data-field]');f.querySelectorAll('input').forEach(i=>i.value=i.defaultValue);
f.dispatchEvent(new Event('input'))
""".strip()

SLIDERS = (  # name, label, lowest, highest, start, what it says at the start
    ("noise", "add noise", 0, 40, 0, "0 levels"),
    ("gain", "stretch the contrast", 50, 250, 100, "1.00 x"),
    ("blur", "blur", 0, 30, 0, "0.0 px"),
    ("copy", "copy a source", -100, 100, 0, "nothing"),
)
TASKS = (
    ("sf en", "Be first in SF and in EN."),
    ("mi", "Be first in MI."),
    ("overall", "Be first overall, by your mean place."),
)
CHEAT_SIZE = (128, 224)


def cheat_pictures(seed: int = 0) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Visible and infrared (1, 1, 128, 224), and the field to beat: four rules and both sources, in whole levels."""
    rgb, ir = night_pairs(1, (384, 768), seed)
    height, width = CHEAT_SIZE
    small = [F.avg_pool2d(x, 3)[..., :height, 16 : 16 + width] for x in (luma(rgb), ir)]
    grey, heat = (from_uint8(to_uint8(x)) for x in small)
    field = {name: from_uint8(to_uint8(rule(grey, heat))) for name, rule in RULES.items()}
    return grey, heat, field | {"visible alone": grey, "infrared alone": heat}


def cheat(seed: int = 0) -> Html:
    """Spoil one fused picture by four sliders, and watch five metrics and its place among six honest pictures."""
    grey, heat, field = cheat_pictures(seed)
    scores = {name: _five(image, grey, heat) for name, image in field.items()}
    start = scores["pyramid"]
    by_metric = {metric: [round(one[metric], 6) for one in scores.values()] for metric in FIVE}
    rows = ""
    for metric in FIVE:
        best = max(scores, key=lambda name: scores[name][metric])
        place = 1 + sum(value > start[metric] + 1e-6 for value in by_metric[metric])
        cells = tag("th", NAMES[metric], scope="row") + tag("td", f"{start[metric]:.2f}") + tag("td", str(place))
        rows += tag("tr", cells + tag("td", f"{scores[best][metric]:.2f}, {best}"), data_metric=metric)
    heads = "".join(tag("th", name, scope="col") for name in ("metric", "yours", "place of 7", "best of the six"))
    table = tag("table", tag("thead", tag("tr", heads)) + tag("tbody", rows), style="font-size:.9em;margin:.3em 0")
    sliders = ""
    for name, label, low, high, value, said in SLIDERS:
        control = tag(
            "input",
            type="range",
            name_=name,
            min=low,
            max=high,
            value=value,
            aria_label=label,
            aria_valuetext=said,
            autocomplete="off",
            style="width:100%;accent-color:#0072b2",
        )
        text = tag("span", label) + control + tag("span", said, style=f"text-align:right;{QUIET}")
        style = "display:grid;grid-template-columns:7.5em 1fr 6em;gap:.5em;align-items:center;font-size:.9em"
        sliders += tag("label", text, style=style)
    tasks = "".join(tag("li", tag("b", "") + escape(text), data_need=need) for need, text in TASKS)
    height, width = CHEAT_SIZE
    stack = "grid-area:1/1;width:100%;height:auto;display:block;"
    picture = tag("canvas", "", width=width, height=height, role="img", aria_label="your picture", style=stack)
    picture += (
        encode(field["pyramid"][0])
        .img("your picture, before you touch it", style=stack)
        .replace('class="mm-picture', 'class="mm-start mm-picture')
    )
    sources = _sources(grey[0], heat[0])
    left = tag("div", tag("div", picture, style="display:grid") + sources, style="flex:1 1 18em;min-width:0")
    button = tag("button", "Start again", type="button", onclick=RESET)
    told = tag("output", "Move a slider.", aria_live="polite", style=f"display:block;{QUIET};min-height:2.8em")
    right = (
        sliders + tag("div", table, style="overflow-x:auto") + told + tag("ul", tasks, style="margin:.3em 0") + button
    )
    right = tag("div", right, style="flex:1 1 20em;min-width:0")
    body = tag(
        "div",
        left + right,
        style="display:flex;flex-wrap:wrap;gap:1em",
        data_width=width,
        data_height=height,
        data_visible=_bytes(grey),
        data_infrared=_bytes(heat),
        data_fused=_bytes(field["pyramid"]),
        data_field=json.dumps(by_metric),
        oninput=CHEAT,
    )
    caption = "You start from the pyramid. The field: four rules, and each source handed in as if it were a fusion."
    return figure(body, alt="Cheat five fusion metrics", caption=caption, kind="cheat")


def _five(image: Tensor, grey: Tensor, heat: Tensor) -> dict[str, float]:
    return {metric: float(value) for metric, value in fusion.evaluate(image, grey, heat, FIVE).items()}


def _bytes(image: Tensor) -> str:
    """A grey picture's levels, row by row, in base64."""
    return base64.b64encode(to_uint8(image).numpy().tobytes()).decode()


# ---------------------------------------------------------------------------------------------------------------------
# The constant in SSIM

# `this` is the widget; its range input picks one of the values of L.
MORPH = """
const f=this,k=+f.querySelector('input').value,b=JSON.parse(f.dataset.boards)[k],still=matchMedia(
 '(prefers-reduced-motion: reduce)').matches;
[...f.querySelector('.mm-stage').children].forEach((m,i)=>m.style.visibility=i==k?'inherit':'hidden');
f.querySelectorAll('li').forEach((l,i)=>{
 l.style.transition=still?'none':'transform .5s';
 l.style.transform='translateY('+1.7*(b.ranks[i]-1)+'em)';
 const[rank,,bar,value]=l.children;
 rank.textContent=b.ranks[i]+'.';bar.firstChild.style.width=50*b.values[i]+'%';value.textContent=b.values[i].toFixed(3)});
f.querySelector('input').setAttribute('aria-valuetext','L = '+b.L);
f.querySelector('output').textContent='L = '+b.L+': '+b.first+' leads; Kendall correlation with the order at L = 255: '
 +b.tau.toFixed(2)+'.';
""".strip()
LINE = 1.7  # height of a row of the leaderboard, in em


def ranges(maps: Mapping[str, Tensor], by_range: Mapping[str, Mapping[str, float]]) -> Html:
    """A slider on SSIM's L that changes one picture's map and the order of the methods on VIFB.

    maps: {L: SSIM of every window, (1, 1, h, w)}.  by_range: {L: {method: mean SSIM}}, with the same keys, 255 first.
    """
    methods = list(next(iter(by_range.values())))
    boards = []
    for L, means in by_range.items():
        order = sorted(methods, key=means.get, reverse=True)
        values = [round(means[name], 4) for name in methods]
        ranks = [order.index(name) + 1 for name in methods]
        tau = kendall([means[m] for m in methods], [by_range["255"][m] for m in methods])
        boards.append({"L": L, "values": values, "ranks": ranks, "first": order[0], "tau": round(tau, 6)})
    pictures = ""
    for number, (L, similar) in enumerate(maps.items()):
        painted = show.colour(similar[0, 0].clamp(0, 1), "viridis", 0, 1)
        style = f"grid-area:1/1;visibility:{'hidden' if number else 'inherit'};"
        pictures += encode(painted, limit=400).img(
            f"SSIM in every window, L = {L}: dark is 0, bright is 1", style=style
        )
    rows = ""
    for name, rank, value in zip(methods, boards[0]["ranks"], boards[0]["values"]):
        fill = tag("span", style=f"display:block;height:.9em;width:{50 * value}%;background:#3a7fb0")
        bar = tag("span", fill, style="flex:1 1 auto;background:rgb(128 128 128/.2)")
        parts = tag("span", f"{rank}.", style=f"width:1.7em;text-align:right;{QUIET}")
        parts += tag("span", escape(name), style="width:6.2em") + bar
        parts += tag("span", f"{value:.3f}", style=f"width:3em;text-align:right;{QUIET}")
        place = f"position:absolute;left:0;right:0;top:0;transform:translateY({LINE * (rank - 1):.2f}em);"
        rows += tag("li", parts, style=place + "display:flex;align-items:center;gap:.5em;margin:0")
    height = f"height:{LINE * len(methods):.1f}em"
    board = tag("ul", rows, style=f"position:relative;list-style:none;margin:0;padding:0;{height};font-size:.85em")
    control = tag(
        "input",
        type="range",
        min=0,
        max=len(boards) - 1,
        value=0,
        aria_label="L, from 255 down",
        aria_valuetext="L = 255",
        autocomplete="off",
        style="width:100%;accent-color:#0072b2",
    )
    start = f"L = 255: {boards[0]['first']} leads. Move the slider to make L smaller."
    told = tag("output", start, aria_live="polite", style=f"display:block;{QUIET};min-height:2.8em")
    left = tag("div", pictures, class_="mm-stage", style="display:grid") + control + told
    left = tag("div", left, style="flex:1 1 17em;min-width:0")
    body = left + tag("div", board, style="flex:1 1 17em;min-width:0")
    body = tag("div", body, style="display:flex;flex-wrap:wrap;gap:1em", data_boards=json.dumps(boards), oninput=MORPH)
    caption = "Map: one drawn street, bright is alike. Leaderboard: VIFB, from the record results/measuring."
    return figure(body, alt="SSIM under another L", caption=caption, kind="ranges")


def kendall(a: Sequence[float], b: Sequence[float]) -> float:
    """Kendall's rank correlation without ties: the share of pairs in the same order minus that of the others."""
    total, pairs = 0, 0
    for i in range(len(a)):
        for j in range(i):
            product = (a[i] - a[j]) * (b[i] - b[j])
            total += (product > 0) - (product < 0)
            pairs += 1
    return total / pairs


def kendall_interval(a: Tensor, b: Tensor, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """95 % of the rank correlations of two leaderboards when their pairs are drawn anew: (methods, pairs) each."""
    generator = torch.Generator().manual_seed(seed)
    picked = torch.randint(a.shape[1], (draws, a.shape[1]), generator=generator)
    first, second = a[:, picked].mean(dim=2), b[:, picked].mean(dim=2)  # (methods, draws)
    i, j = torch.triu_indices(len(a), len(a), offset=1)
    same = ((first[i] - first[j]) * (second[i] - second[j])).sign().mean(dim=0)
    low, high = same.quantile(torch.tensor([0.025, 0.975], dtype=same.dtype)).tolist()
    return low, high


# ---------------------------------------------------------------------------------------------------------------------
# Plots of the leaderboard


def rank_lines(ranks: Tensor, methods: Sequence[str], steps: Sequence[str]) -> Html:
    """Ranks (steps, methods) as lines from left to right; the four that travel farthest in colour."""
    far = (ranks.amax(dim=0) - ranks.amin(dim=0)).argsort(descending=True)[:4].tolist()

    def draw(ax: object) -> None:
        for k, method in enumerate(methods):
            style = {"color": "grey", "lw": 1}
            if k in far:
                style = {"color": f"C{far.index(k)}", "lw": 2.5, "zorder": 3}
            ax.plot(range(len(steps)), ranks[:, k], marker="o", ms=4, **style)
            ax.text(-0.12, ranks[0, k], method, ha="right", va="center", fontsize=9)
            ax.text(len(steps) - 0.88, ranks[-1, k], method, ha="left", va="center", fontsize=9)
        ax.set_xticks(range(len(steps)), steps)
        ax.set(xlim=(-1.2, len(steps) + 0.2), ylim=(len(methods) + 0.6, 0.4), ylabel="rank")

    return show.plot(
        draw,
        size=(5.6, 4.6),
        alt="Ranks of 14 methods by SSIM: nearly parallel lines while L is 255, a tangle between L = 255 and L = 2",
        caption="Rank by SSIM on VIFB's 21 pairs. Only the convention changes from left to right.",
    )


def agreement(matrix: Tensor, names: Sequence[str]) -> Html:
    """A matrix of rank correlations, metrics that agree side by side."""
    order = torch.linalg.eigh(matrix).eigenvectors[:, -1].argsort().tolist()
    friends = [names[k] for k in order]

    def draw(fig: object) -> None:
        ax = fig.subplots()
        picture = ax.imshow(matrix[order][:, order], cmap="RdBu", vmin=-1, vmax=1)
        ax.set_xticks(range(len(friends)), friends, rotation=90, fontsize=8)
        ax.set_yticks(range(len(friends)), friends, fontsize=8)
        ax.grid(False)
        fig.colorbar(picture, ax=ax, label="Kendall's rank correlation", shrink=0.8)

    return show.plot(
        draw,
        size=(5.6, 4.6),
        alt="Rank correlations of eighteen metrics: two groups that contradict each other, MI and NMI between them",
        caption="How alike two metrics rank the 14 methods. Blue: the same order. Red: the opposite order.",
    )


def published(methods: Sequence[str]) -> Html | None:
    """A VIFB pair and what methods made of it, where real pictures may be shown; None elsewhere."""
    if not (installed("vifb") and real.others_allowed()):
        return None
    sample = load("vifb", methods=methods)["carLight"]
    items = [(sample["rgb"], "visible"), (sample["ir"], "infrared"), *((x, m) for m, x in sample["fused"].items())]
    small = [(F.interpolate(x[None], scale_factor=360 / x.shape[2], mode="area")[0], title) for x, title in items]
    return show.images(
        small,
        columns=3,
        width=300,
        alt="A night scene in two senses, and three fused pictures",
        caption="Pair carLight and published results of VIFB (Zhang, Ye and Xiao, 2020).",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Task metrics

# `this` is the widget; a button is one detection, pressed if it hits a new object.
CURVE = """
const b=event.target.closest('button'),f=this;if(!b)return;
b.setAttribute('aria-pressed',b.getAttribute('aria-pressed')!='true');
const all=[...f.querySelectorAll('button')],total=+f.dataset.objects;
all.forEach(x=>x.lastChild.textContent=x.getAttribute('aria-pressed')=='true'?'hit':'miss');
let hits=0;const P=[],R=[];
all.forEach((x,i)=>{hits+=x.getAttribute('aria-pressed')=='true';P.push(hits/(i+1));R.push(hits/total)});
const env=P.slice();for(let i=env.length-2;i>=0;i--)env[i]=Math.max(env[i],env[i+1]);
let area=0,before=0;R.forEach((r,i)=>{area+=(r-before)*env[i];before=r});
const at=r=>{const i=R.findIndex(v=>v>=r);return i<0?0:env[i]};
const mean=n=>{let s=0;for(let k=0;k<n;k++)s+=at(n==11?k*.1:k/100);return s/n};
const rows=f.querySelectorAll('tbody tr');
rows[0].cells[1].textContent=area.toFixed(4);rows[1].cells[1].textContent=mean(11).toFixed(4);
rows[2].cells[1].textContent=mean(101).toFixed(4);
let path="M0 "+120*(1-env[0]);R.forEach((r,i)=>{path+='V'+120*(1-env[i])+'H'+320*r});
f.querySelector('.mm-step').setAttribute('d',path);
f.querySelectorAll('circle').forEach((c,i)=>{c.setAttribute('cx',320*R[i]);c.setAttribute('cy',120*(1-P[i]))});
f.querySelector('output').textContent=hits+' of '+total+' objects found. Exact area '+area.toFixed(3)+'.';
""".strip()
CURVE_RULES = {
    "all_point": "exact area (VOC 2010)",
    "11_point": "11 points (VOC 2007)",
    "101_point": "101 points (COCO)",
}


def precision_curve(right: Sequence[int], objects: int) -> Html:
    """Eight detections in the order of their scores, as buttons: hit or miss, and the areas under their curve."""
    hits = torch.tensor(right, dtype=torch.float64).cumsum(0)
    precision, recall = hits / torch.arange(1, len(right) + 1), hits / objects
    best = precision.flip(0).cummax(0).values.flip(0)
    path = f"M0 {120 * (1 - float(best[0]))}"
    dots = ""
    for r, b, p in zip(recall.tolist(), best.tolist(), precision.tolist()):
        path += f"V{120 * (1 - b)}H{320 * r}"
        dots += f'<circle r="3.5" cx="{320 * r}" cy="{120 * (1 - p)}" fill="#d55e00"/>'
    svg = (
        '<svg viewBox="-30 -8 362 152" role="img" aria-label="Precision against recall: dots after each detection, and '
        'the staircase above them" style="width:100%;max-width:26rem;height:auto" font-size="11" fill="currentColor">'
        '<path d="M0 0V120H320" fill="none" stroke="currentColor"/>'
        f'<path class="mm-step" d="{path}" fill="none" stroke="#0072b2" stroke-width="2"/>{dots}'
        '<text x="-6" y="5" text-anchor="end">1</text><text x="-6" y="124" text-anchor="end">0</text>'
        '<text x="320" y="135" text-anchor="end">recall 1</text><text x="0" y="135">0</text>'
        '<text x="4" y="-1">precision</text></svg>'
    )
    buttons = ""
    for number, hit in enumerate(right, start=1):
        face = f"{number}. " + tag("span", "hit" if hit else "miss")
        said = {"aria_pressed": "true" if hit else "false", "aria_label": f"detection {number}: press to change"}
        buttons += tag("button", face, type="button", style="min-width:4.2em", **said)
    rows = ""
    for rule, name in CURVE_RULES.items():
        value = detection.average_precision(precision, recall, interpolation=rule)
        rows += tag("tr", tag("th", name, scope="row") + tag("td", f"{value:.4f}"))
    head = tag("thead", tag("tr", tag("th", "rule", scope="col") + tag("th", "AP", scope="col")))
    table = tag("table", head + tag("tbody", rows), style="font-size:.9em;margin:.3em 0")
    start = f"{int(hits[-1])} of {objects} objects found. Press a detection to change it."
    told = tag("output", start, aria_live="polite", style=f"display:block;{QUIET}")
    body = tag("div", buttons, style=ROW) + svg + told + table
    body = tag("div", body, onclick=CURVE, data_objects=objects)
    caption = f"Detections in the order of their confidence; {objects} objects are there."
    return figure(body, alt="A precision-recall curve to edit", caption=caption, kind="curve")
