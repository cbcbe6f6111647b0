"""Tables that can be read by eye, by ear and on a phone."""

from collections.abc import Mapping, Sequence
from html import escape

from mmlib.show.html import Html, tag

# `this` is the table head. A press on a header sorts by that column, a second press the other way round; rows
# without a value stay at the end.
SORT = (
    "const b=event.target.closest('button');if(!b)return;"
    "const h=b.parentNode,k=+b.dataset.k,y=this.parentNode.tBodies[0],u=h.getAttribute('aria-sort')!='descending';"
    "this.querySelectorAll('[aria-sort]').forEach(c=>c.removeAttribute('aria-sort'));"
    "h.setAttribute('aria-sort',u?'descending':'ascending');"
    "const v=r=>{const s=r.cells[k].dataset.v??r.cells[k].textContent;return s===''||isNaN(s)?s:+s};"
    "[...y.rows].sort((p,q)=>{const a=v(p),c=v(q);if(a===''||c==='')return (a==='')-(c==='');"
    "return (u?-1:1)*(a<c?-1:a>c?1:0)}).forEach(r=>y.append(r))"
)
BLANK = "–"
SENTENCE = 30  # characters from which the first cell of a row is a sentence


def table(
    rows: Sequence[Sequence[object]],
    *,
    columns: Sequence[str],
    caption: str | None = None,
    footer: str | None = None,
    best: Mapping[str, str] | None = None,
    formats: Mapping[str, str] | str = ".3f",
    groups: Sequence[tuple[str, int]] | None = None,
    sortable: bool = False,
    cards: bool = False,
) -> Html:
    """An accessible table; a wide one scrolls inside its own frame, never the page.

    Args:
        rows: one sequence of cells per row; the first cell names the row. A cell is text, a number, ``None``
            (nothing known) or a finished piece of HTML from this module.
        columns: the headers.
        caption: what the table shows, above it.
        footer: one quiet line under it, for where the numbers come from.
        best: ``{"PSNR": "max", "MSE": "min"}``: the best value of these columns is set in bold.
        formats: the format of floats, one for all or one per column (others keep ``.3f``); NaN shows as nothing.
        groups: a row above the headers, as ``(name, number of columns)``; the name may be empty.
        sortable: whether a press on a header sorts.
        cards: whether each row becomes a card on a phone, in the book: for rows of words that would hide the rest.

    Raises:
        ValueError: for a row of another length, an unknown column, or groups that do not add up.
    """
    _check(rows, columns, best or {}, formats, groups)
    format_of = {name: formats if isinstance(formats, str) else formats.get(name, ".3f") for name in columns}
    winners = {columns.index(name): _winner(rows, columns.index(name), kind) for name, kind in (best or {}).items()}
    numeric = [any(_is_number(row[k]) for row in rows) for k in range(len(columns))]
    labels = columns if cards else [None] * len(columns)
    body = "".join(_row(row, [format_of[c] for c in columns], winners, numeric, labels) for row in rows)
    head = tag("thead", _groups(groups) + _head(columns, numeric, sortable), onclick=SORT if sortable else None)
    title = tag("caption", _title(caption), style="caption-side:top;text-align:left") if caption else ""
    style = "border-collapse:separate;border-spacing:0;font-variant-numeric:tabular-nums;margin:0"
    inner = tag("table", title + head + tag("tbody", body), class_="mm-table", style=style)
    frame = {"tabindex": 0, "role": "region", "aria_label": caption or "table"}
    html = tag(
        "div", inner, class_="mm-scroll", style="overflow-x:auto;max-width:100%;container-type:inline-size", **frame
    )
    if footer:
        html += tag("div", escape(footer), class_="mm-footer", style="font-size:.8em;margin-top:.3em")
    return Html(
        tag("div", html, class_="mm-tabular" + " mm-cards" * cards, style="margin:1em 0"),
        _as_text(rows, columns, format_of, caption),
    )


def _title(caption: str) -> str:
    # As wide as the frame, not as the table in it, and it stays in sight while the table is scrolled.
    return tag(
        "span",
        escape(caption),
        style="display:inline-block;position:sticky;left:0;min-width:min(95cqw,20em);max-width:95cqw",
    )


def _check(rows, columns, best, formats, groups) -> None:
    for i, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(f"expected {len(columns)} cells in every row, got {len(row)} in row {i}: {list(row)!r}")
    named = set(best) | (set() if isinstance(formats, str) else set(formats))
    if unknown := named - set(columns):
        raise ValueError(f"expected names out of the columns {list(columns)}, got {sorted(unknown)}")
    if wrong := set(best.values()) - {"max", "min"}:
        raise ValueError(f"expected 'max' or 'min' in best, got {sorted(map(str, wrong))}")
    if groups and sum(span for _, span in groups) != len(columns):
        raise ValueError(f"expected groups over {len(columns)} columns, got {sum(span for _, span in groups)}")


def _is_number(cell: object) -> bool:
    return isinstance(cell, (int, float)) and not isinstance(cell, bool) and cell == cell


def _winner(rows: Sequence[Sequence[object]], k: int, kind: str) -> float | None:
    values = [row[k] for row in rows if _is_number(row[k])]
    return (max if kind == "max" else min)(values) if values else None


def _text(cell: object, form: str) -> str:
    if cell is None or cell != cell:
        return BLANK
    text = format(cell, form) if isinstance(cell, float) else str(cell)
    if not _is_number(cell) or "-" not in text:
        return text
    if not text.strip("-0.%"):  # rounded to nothing: no sign
        return format(0.0, form)
    return text.replace("-", "\N{MINUS SIGN}", 1) if cell < 0 else text


def _row(
    row: Sequence[object],
    formats: list[str],
    winners: dict[int, float | None],
    numeric: list[bool],
    labels: Sequence[str | None],
) -> str:
    cells = []
    for k, cell in enumerate(row):
        content = cell.html if isinstance(cell, Html) else escape(_text(cell, formats[k]))
        if k in winners and winners[k] is not None and _is_number(cell) and cell == winners[k]:
            content = tag("strong", content)
        # The exact value for sorting: what is printed is rounded.
        value = repr(cell) if _is_number(cell) else ("" if cell is None or cell != cell else None)
        # On a phone a whole sentence would be squeezed to one word a line; 45 % of the frame leaves room to scroll.
        wide = ";min-width:min(16em,45cqi)" if k == 0 and len(_text(cell, formats[k])) > SENTENCE else ""
        values = {"style": _align(numeric[k]) + wide, "data_v": value, "data_label": labels[k] if k else None}
        cells.append(tag("th", content, scope="row", **values) if k == 0 else tag("td", content, **values))
    return tag("tr", "".join(cells))


def _head(columns: Sequence[str], numeric: list[bool], sortable: bool) -> str:
    plain = "font:inherit;font-weight:bold;color:inherit;background:none;border:0;padding:0;cursor:pointer"
    cells = []
    for k, name in enumerate(columns):
        press = {"type": "button", "data_k": k, "style": plain, "title": f"sort by {name}"}
        content = tag("button", escape(name), **press) if sortable else escape(name)
        cells.append(tag("th", content, scope="col", style=_align(numeric[k])))
    return tag("tr", "".join(cells))


def _groups(groups: Sequence[tuple[str, int]] | None) -> str:
    if not groups:
        return ""
    style = "text-align:center;padding:.2em .7em"
    cells = [
        tag("th", escape(name), scope="colgroup", colspan=span, style=style) if name else tag("td", "", colspan=span)
        for name, span in groups
    ]
    return tag("tr", "".join(cells))


def _align(number: bool) -> str:
    return f"text-align:{'right' if number else 'left'};padding:.25em .7em"


def _as_text(rows, columns, format_of, caption) -> str:
    """The same table for a terminal."""
    lines = [[str(c) for c in columns]] + [[_text(cell, format_of[c]) for cell, c in zip(row, columns)] for row in rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(columns))]
    body = "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths)).rstrip() for line in lines)
    return f"{caption}\n{body}" if caption else body
