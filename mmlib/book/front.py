"""What the first page shows that isn't text: the night scene under a lens, and five claims out of the ledger."""

from __future__ import annotations

from html import escape

from torch import Tensor

from mmlib import show
from mmlib.files import ROOT
from mmlib.images import read_image
from mmlib.results import load_claims, tables
from mmlib.results.evidence import NOT_ATTEMPTED, Judged, judge_book
from mmlib.show.html import Html, tag

SHEET = ROOT / "book" / "four_senses.webp"
"""Four pictures of one scene: light, heat, motion, and whom "the nearest person" means."""

WALKER = (239.0, 172.0, 286.0, 285.0)
"""The box of the nearest person in that scene, x0, y0, x1, y1, in pixels of 384 x 768."""

FIVE = {
    "flow2seg": "flow_helps",
    "segmif": "fused_beats_stacked",
    "tsjnet": "guidance_helps",
    "fusenet_ris": "the_phrase_says_which",
    "training": "infrared_helps_at_night",
}
"""One claim of each paper, and one of chapter 5."""


def senses() -> dict[str, Tensor]:
    """The four pictures of the first page, each (3, 384, 768)."""
    sheet = read_image(SHEET)  # (3, 768, 1536)
    top, bottom = sheet.chunk(2, dim=1)
    light, heat = top.chunk(2, dim=2)
    motion, words = bottom.chunk(2, dim=2)
    return {"light": light, "heat": heat, "motion": motion, "words": words}


def lens_html() -> str:
    """The night scene with a lens for heat, motion and words."""
    pictures = senses()
    light = pictures.pop("light")
    made = show.lens(
        light,
        pictures,
        target=WALKER,
        found="There: somebody in a dark coat, on the road.",
        start=(72, 35),
        alt="A street at night in which a walker in a dark coat can hardly be seen",
        caption="A scene of MiniStreet, the generator that comes with this book. Drag the lens, or use the sliders.",
    )
    return made.html


def claims_html() -> str:
    """Five claims with the paper's number, ours and the verdict, as the ledger has them."""
    book = judge_book()
    rows = []
    for key, row in FIVE.items():
        judged = next(one for one in book[key] if one.row.id == f"{key}.{row}")
        paper = load_claims(key)
        value, against = tables.printed(judged.row, paper)
        title = Html(f"{escape(judged.row.statement)} {tag('small', escape(paper.title))}", judged.row.statement)
        rows.append([title, f"{value} ({against})" if against else value, tables.ours(judged) or "–", word(judged)])
    made = show.table(
        rows,
        columns=["claim", "paper", "ours", "verdict"],
        caption="Five claims, from the ledger",
        footer="Ours: the mean difference with its 95 % interval.",
        cards=True,
    )
    return made.html


def word(judged: Judged) -> str:
    """The verdict in the ledger's words; of a row without one, why."""
    verdict = judged.verdict
    if verdict.word != NOT_ATTEMPTED:
        return verdict.sentence
    return f"{verdict.word}: {verdict.detail}" if verdict.detail else verdict.word
