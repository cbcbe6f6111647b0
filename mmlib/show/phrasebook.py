"""A picture that answers phrases in a printed page: type one or tap its words, and its frozen mask appears.

No library, no id and no global name, as in `mmlib.show.widgets`: the script stands in the elements' own attributes.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import torch
from torch import Tensor

from mmlib.show.colours import overlay
from mmlib.show.html import Html, figure, need_alt, tag
from mmlib.show.pixels import encode
from mmlib.show.widgets import ROW, STACK

# `this` is the text field. An answer is [runs of the mask, digits of the response map, weights of the words, a note].
ASK = (
    "const i=this,f=i.closest('figure'),d=f.dataset,A=f.answers||(f.answers=JSON.parse(d.answers)),"
    "n=i.value.toLowerCase().replace(/[^\\p{L}\\p{N}' -]/gu,' ').replace(/\\s+/g,' ').trim(),a=A[n],"
    "o=f.querySelector('output'),r=f.querySelector('.mm-next'),c=f.querySelector('canvas'),g=c.getContext('2d');"
    "const s=f.querySelector('.mm-start');if(s)s.remove();"
    "const more=[...new Set(Object.keys(A).filter(p=>!n||p.startsWith(n+' '))"
    ".map(p=>p.slice(n?n.length+1:0).split(' ')[0]))];"
    "r.replaceChildren(...more.map(w=>{const b=document.createElement('button');b.type='button';b.textContent=w;"
    "b.setAttribute('onclick',r.dataset.tap);return b}));"
    "const map=f.querySelector('input[type=checkbox]').checked,[h,w]=(map?d.coarse:d.fine).split(',').map(Number);"
    "c.width=w;c.height=h;"
    "const words=f.querySelector('.mm-words');words.replaceChildren();"
    "if(!a){const k=n.split(' '),near=Object.keys(A).filter(p=>k.every(x=>(' '+p).includes(' '+x))).slice(0,3);"
    "o.textContent=n?(near.length?'Go on, for example: '+near.join('; ')+'.':'None of the '+Object.keys(A).length+"
    "' phrases that are frozen here begins like this.'):'Tap a word, or type.';return}"
    "const m=g.createImageData(w,h);let p=0,on=false;"
    "if(map){[...a[1]].forEach((x,k)=>m.data.set([255,217,26,25*x],4*k))}"
    "else{for(const l of a[0].split(',')){if(on)for(let k=p;k<p+ +l;k++)m.data.set([255,217,26,150],4*k);p+=+l;on=!on}}"
    "g.putImageData(m,0,0);"
    "n.split(' ').forEach((x,k)=>{const e=document.createElement('span');e.textContent=x+' '+a[2][k]+' %';"
    "e.style.cssText='padding:0 .4em;border-radius:3px;background:rgb(0 114 178/'+a[2][k]/150+')';words.append(e)});"
    "o.textContent=a[3]"
)
# `this` is a button with a word.
TAP = (
    "const i=this.closest('figure').querySelector('input[type=text]'),t=i.value.trim();"
    "i.value=(t?t+' ':'')+this.textContent;i.oninput()"
)
AGAIN = "const i=this.closest('figure').querySelector('input[type=text]');i.value='';i.oninput();i.focus()"
REDRAW = "this.closest('figure').querySelector('input[type=text]').oninput()"


@dataclass(frozen=True)
class Answer:
    """What a network said to a phrase.

    mask: bool (h, w).  response: its response map, floats (r, c) in [0, 1].  weights: one whole number for each word, 0
    to 100 %.  note: a sentence under the picture.
    """

    mask: Tensor
    response: Tensor
    weights: Sequence[int]
    note: str


def phrasebook(
    picture: Tensor, answers: Mapping[str, Answer], *, start: str, alt: str, caption: str | None = None
) -> Html:
    """A picture (3, H, W) with a text field, buttons for the words that may come next, and the mask of each phrase.

    Args:
        picture: as in `images`.
        answers: by phrase, in lower case; all masks have one size, and so have all response maps.
        start: the phrase shown first, also where no script runs.
        alt, caption: as in `images`.

    Raises:
        ValueError: for an empty `alt`, a start that has no answer, answers of different sizes, or weights that aren't
            one for each word.
    """
    alt = need_alt(alt)
    if start not in answers:
        raise ValueError(f"expected a start out of the {len(answers)} phrases, got {start!r}")
    fine, coarse = answers[start].mask.shape, answers[start].response.shape
    for text, answer in answers.items():
        if answer.mask.shape != fine or answer.response.shape != coarse:
            raise ValueError(f"expected masks {tuple(fine)} and responses {tuple(coarse)}, got others for {text!r}")
        if len(answer.weights) != len(text.split()):
            raise ValueError(f"expected one weight for each word of {text!r}, got {len(answer.weights)}")
    told = {text: _packed(answer) for text, answer in answers.items()}
    rows = torch.arange(picture.shape[-2]) * fine[0] // picture.shape[-2]
    columns = torch.arange(picture.shape[-1]) * fine[1] // picture.shape[-1]
    first = encode(overlay(picture, answers[start].mask[rows][:, columns]))
    plain = encode(picture)
    stage = tag(
        "div",
        plain.img(alt, style=STACK)
        + tag("canvas", "", aria_hidden="true", style=f"{STACK}width:100%;height:100%;image-rendering:pixelated")
        + tag("div", first.img(f"{alt}: {start}"), class_="mm-start", style=STACK),
        class_="mm-stage",
        style="display:grid;position:relative",
    )
    field = tag(
        "input",
        type="text",
        value=start,
        oninput=ASK,
        aria_label=f"a phrase about: {alt}",
        autocomplete="off",
        autocapitalize="none",
        spellcheck="false",
        style="flex:1 1 14em;min-width:0;font:inherit;padding:.2em .4em",
    )
    again = tag("button", "Start again", type="button", onclick=AGAIN)
    switch = tag("label", tag("input", type="checkbox", onchange=REDRAW) + " response map")
    following = dict.fromkeys(p[len(start) + 1 :].split()[0] for p in answers if p.startswith(start + " "))
    buttons = "".join(tag("button", escape(word), type="button", onclick=TAP) for word in following)
    words = "".join(_word(word, weight) for word, weight in zip(start.split(), answers[start].weights))
    line = "display:flex;flex-wrap:wrap;gap:.3em;margin-top:.4em"
    body = (
        stage
        + tag("div", field + again + switch, class_="mm-controls", style=ROW)
        + tag("div", buttons, class_="mm-next", style=line + ";min-height:2em", data_tap=TAP)
        + tag("div", words, class_="mm-words", style=line + ";font-size:.9em", aria_label="weights of the words")
        + tag("output", escape(answers[start].note), style="display:block;font-size:.9em;margin-top:.4em")
    )
    data = {"data_answers": json.dumps(told, separators=(",", ":")), "data_fine": _size(fine)}
    made = figure(body, alt=alt, caption=caption, kind="phrasebook", style=f"max-width:{max(480, plain.width)}px;")
    opening = tag("figure", "", **data, data_coarse=_size(coarse)).removesuffix("></figure>")
    return Html(made.html.replace("<figure", opening, 1), f"{made.text}. {start}: {answers[start].note}")


def _size(shape: Sequence[int]) -> str:
    return ",".join(str(side) for side in shape)


def _word(word: str, weight: int) -> str:
    style = f"padding:0 .4em;border-radius:3px;background:rgb(0 114 178/{weight / 150:.2f})"
    return tag("span", escape(f"{word} {weight} %"), style=style)


def _packed(answer: Answer) -> list:
    """An answer as the page's script reads it."""
    digits = (answer.response.clamp(0, 1) * 9).round().long().flatten().tolist()
    return [
        ",".join(str(length) for length in run_lengths(answer.mask)),
        "".join(str(digit) for digit in digits),
        [int(weight) for weight in answer.weights],
        answer.note,
    ]


def run_lengths(mask: Tensor) -> list[int]:
    """A mask (h, w) row by row as lengths of runs: so many outside, so many inside, and so on; the first may be 0."""
    flat = mask.flatten().to(torch.int8)
    edges = (torch.nonzero(flat[1:] != flat[:-1])[:, 0] + 1).tolist()
    ends = [*edges, flat.numel()]
    lengths = [end - begin for begin, end in zip([0, *edges], ends)]
    return [0, *lengths] if int(flat[0]) else lengths
