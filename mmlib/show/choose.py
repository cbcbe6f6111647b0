"""A picture in which the reader points at one of several things, and the page remembers which.

No library and no id, as in `mmlib.show.widgets`: the script stands in the elements' own attributes. A choice is passed
on to whatever else on the page carries the same group, so that a table further down can mark the reader's choice.
"""

import json
from collections.abc import Sequence
from html import escape

import torch

from mmlib.show.html import Html, figure, need_alt, tag
from mmlib.show.pixels import encode
from mmlib.show.widgets import ROW

# `this` is a button on the picture or in the row below it.
CHOOSE = (
    "event.stopPropagation();const k=this.dataset.k,f=this.closest('figure'),g=f.dataset.group;"
    "f.querySelectorAll('button').forEach(b=>{const on=b.dataset.k==k;b.setAttribute('aria-pressed',on);"
    "if(b.tabIndex<0)b.style.borderColor=on?'#ffd91a':'transparent';else b.style.fontWeight=on?'bold':'normal'});"
    "f.querySelector('output').textContent=JSON.parse(f.dataset.notes)[k];"
    "document.querySelectorAll('.mm-mine[data-group=\"'+g+'\"]').forEach(e=>e.hidden=e.dataset.k!=k)"
)
# `this` is the stage: somebody has pointed at nobody.
MISS = "this.closest('figure').querySelector('output').textContent=this.dataset.miss"
LEAST = 30  # CSS pixels: as small as a target may be under a finger


def choose(
    picture: torch.Tensor,
    boxes: torch.Tensor,
    names: Sequence[str],
    *,
    notes: Sequence[str],
    group: str,
    alt: str,
    caption: str | None = None,
    start: str = "Nothing chosen yet.",
    miss: str = "Nothing here. Try another place.",
) -> Html:
    """A picture with invisible targets and a row of buttons that choose the same things.

    Args:
        picture: as in :func:`images`.
        boxes: (N, 4), x0, y0, x1, y1 in the picture's pixels: where each thing is.
        names: what each is called, on its button.
        notes: what is said once it is chosen.
        group: a word that the marks of :func:`chosen` share.
        alt, caption: as in :func:`images`.
        start, miss: what is said before a choice, and when the reader points at nothing.

    Raises:
        ValueError: for an empty ``alt``, no boxes, or other numbers of names or notes.
    """
    alt = need_alt(alt)
    if not len(boxes) or not len(boxes) == len(names) == len(notes):
        counts = f"{len(boxes)} boxes, {len(names)} names and {len(notes)} notes"
        raise ValueError(f"expected a name and a note for each box, got {counts}")
    shown = encode(picture)
    height, width = picture.shape[-2:]
    targets = "".join(_target(k, box, width, height) for k, box in enumerate(boxes.tolist()))
    stage = tag(
        "div",
        shown.img(alt) + targets,
        class_="mm-stage",
        style="position:relative;cursor:crosshair",
        onclick=MISS,
        data_miss=miss,
    )
    buttons = "".join(
        tag(
            "button",
            escape(name),
            type="button",
            data_k=k,
            onclick=CHOOSE,
            aria_pressed="false",
            style="margin:.15em 0",
        )
        for k, name in enumerate(names)
    )
    said = tag("output", escape(start), aria_live="polite", style="flex:1 1 100%;font-size:.9em")
    row = tag("div", buttons + said, class_="mm-controls", style=ROW)
    made = figure(stage + row, alt=alt, caption=caption, kind="choose", style=f"max-width:{shown.width}px;")
    return with_data(made, group=group, notes=list(notes))


def chosen(group: str, k: int, text: str = "your choice") -> str:
    """HTML that appears beside thing `k` once the reader has chosen it in a :func:`choose` of this group."""
    style = "font-weight:bold;white-space:nowrap"
    return tag("span", f" \N{BLACK LEFT-POINTING POINTER} {escape(text)}", class_="mm-mine", hidden=True,
               data_group=group, data_k=k, style=style)  # fmt: skip


def with_data(made: Html, **data: object) -> Html:
    """A figure whose outermost element also carries these data attributes; what is no text becomes JSON."""
    told = {f"data_{name}": v if isinstance(v, str) else json.dumps(v) for name, v in data.items()}
    opening = tag("figure", "", **told).removesuffix("></figure>")
    return Html(made.html.replace("<figure", opening, 1), made.text)


def _target(k: int, box: Sequence[float], width: int, height: int) -> str:
    x0, y0, x1, y1 = box
    place = (
        f"left:{50 * (x0 + x1) / width:.2f}%;top:{50 * (y0 + y1) / height:.2f}%;"
        f"width:{100 * (x1 - x0) / width + 1.5:.2f}%;height:{100 * (y1 - y0) / height + 3:.2f}%"
    )
    style = (
        f"position:absolute;{place};transform:translate(-50%,-50%);min-width:{LEAST}px;min-height:{LEAST}px;padding:0;"
        "border:2px solid transparent;border-radius:6px;background:none;cursor:inherit"
    )
    # Tab and screen readers use the row below, which does the same.
    return tag("button", "", type="button", data_k=k, tabindex=-1, aria_hidden="true", style=style, onclick=CHOOSE)
