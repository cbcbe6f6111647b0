"""The ledger's poster says of every claim what became of it, in words, by a mark, and at the right place."""

import json
import re

import pytest
from docutils.nodes import make_id
from ledger_toy import direction, grid, papers, words, write

from mmlib.book import ledger, poster
from mmlib.files import ROOT
from mmlib.results import load_claims, paper_keys
from mmlib.results.evidence import REASON_WORDS, judge_book


@pytest.fixture
def drawn(tmp_path):
    """Draw a poster of the toy papers with some records."""
    return lambda records=(), *directions: poster.poster_html(*write(tmp_path, papers(*directions), list(records)))


@pytest.fixture
def line(tmp_path):
    """The line of the toy paper's claim with some records."""

    def made(records, *directions):
        claims, results = write(tmp_path, papers(*directions), list(records))
        book = judge_book(claims, results)
        toy = {"toy": load_claims("toy", claims)}
        return poster.parts(toy, book)[0]["lines"][0]

    return made


def test_the_scale_is_symmetric_rises_and_ends():
    assert poster.place(0) == 0.5 and poster.place(3) + poster.place(-3) == pytest.approx(1)
    places = [poster.place(points) for points in (-60, -10, -0.1, 0, 0.1, 10, 60)]
    assert places == sorted(places) and places[0] == 0 and places[-1] == 1
    assert poster.place(1e6) == 1, "what is too far stands at the edge"


@pytest.mark.parametrize(
    "levels, fate, mark, word",
    [
        ({"flow": 0.61, "plain": 0.51, "shuffled": 0.51}, "held", "dot", "holds, and not with shuffled flow"),
        ({"flow": 0.61, "plain": 0.51, "shuffled": 0.61}, "shared", "dot", "holds, but so does shuffled flow"),
        ({"flow": 0.51, "plain": 0.61, "shuffled": 0.51}, "failed", "dot", "contradicted"),
        ({"flow": 0.61, "plain": 0.15, "shuffled": 0.15}, "unfit", "triangle", "unfit"),
        ({}, "waiting", "ring", "not run yet"),
    ],
)
def test_each_fate_has_its_word_mark_and_side(line, levels, fate, mark, word):
    found = line(grid(**levels))
    assert (found["fate"], found["shape"], found["word"]) == (fate, mark, word)
    if not levels:
        assert found["ours"] is None
    elif fate != "unfit":
        assert (found["ours"][1] > 0.5) == (fate != "failed")
        assert found["ours"][0] <= found["ours"][1] <= found["ours"][2]
    assert found["printed"] == poster.place(1.9)


def test_every_reason_for_unfit_has_a_mark_of_its_own_and_words():
    assert poster.SHAPES.keys() == REASON_WORDS.keys()
    assert len(set(poster.SHAPES.values())) == len(poster.SHAPES)
    assert set(poster.SHAPES.values()) <= poster.REASONS.keys()


def test_a_number_that_differs_is_no_failed_claim(drawn, tmp_path):
    drawn(grid(flow=0.61, plain=0.51))
    judged = [one for rows in judge_book(tmp_path / "claims", tmp_path / "results").values() for one in rows]
    fates = {poster.fate(one) for one in judged if one.verdict.word == "differs"}
    assert fates == {"differs"}, "it speaks about the paper's number, not about an idea"


def test_what_needs_other_data_is_not_called_waiting(line):
    found = line([], direction(reason="needs Cityscapes"))
    assert (found["fate"], found["shape"], found["why"]) == ("elsewhere", "cross", "needs Cityscapes")


def test_a_claim_without_points_has_a_scale_of_its_own(line):
    found = line(grid(flow=0.61, plain=0.51, shuffled=0.51), direction(unit="fusion loss", printed=None, cells=[]))
    assert not found["common"] and 0.9 < found["ours"][2] < 1


def test_a_printed_number_that_is_nearly_met_lies_nearly_on_the_papers_mark():
    one_percent_off = poster.Interval(44.1, 44.1, 44.1, 1)
    assert 0.5 < poster._own_scale(one_percent_off, 0.0, poster.EDGE * 4410)(44.1) < 0.6
    far_off = poster.Interval(900.0, 900.0, 900.0, 1)
    assert 0.9 < poster._own_scale(far_off, 0.0, poster.EDGE * 4410)(900.0) < 1, "what is far off still has its place"


def test_a_stranger_is_told_who_was_wrong(drawn):
    text = words(drawn(grid(flow=0.61, plain=0.15, shuffled=0.15)))
    assert "Was the paper wrong, or was our network too small?" in text
    assert "1 unfit" in text and "says nothing about the paper" in text
    assert sum(poster.ABOUT.values()) == len(poster.FATES), "each column of the scoreboard has a heading"
    board = poster.poster_html()
    found = re.search(r"So far: (\d+) of (\d+)", words(board))
    checked = re.search(r"All tables +([\d ]+)", words(ledger.ledger_html()))
    cells, _, wrong, *_ = (int(number) for number in checked[1].split())
    assert (int(found[1]), int(found[2])) == (wrong, cells), "the poster counts what the table of cells counts"


def test_the_scoreboard_counts_every_claim_once(drawn, tmp_path):
    text = words(drawn(grid(flow=0.61, plain=0.51, shuffled=0.51)))
    claims, results = tmp_path / "claims", tmp_path / "results"
    book = judge_book(claims, results)
    rows = poster.scoreboard({key: load_claims(key, claims) for key in book}, book)
    assert sum(sum(row["counts"].values()) for row in rows) == sum(map(len, book.values()))
    assert rows[0]["counts"]["held"] == 1 and "held, but not past its control" in text


def test_the_line_says_both_numbers_to_who_cannot_see_it(drawn):
    html = drawn(grid(flow=0.61, plain=0.51, shuffled=0.51))
    assert 'aria-label="ours +10.000 [10.000, 10.000], the paper prints +1.9"' in html
    assert 'href="#claim-toy.flow_helps"' in html


@pytest.mark.parametrize("key", paper_keys())
def test_each_claim_leads_to_a_heading_that_is_there(key):
    paper = load_claims(key)
    for one in judge_book()[key]:
        page, _, anchor = poster.page_of(one, paper).partition("#")
        notebook = json.loads((ROOT / "nbs" / page.split("/")[-1].replace(".html", ".ipynb")).read_text())
        texts = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        lines = [line for text in texts for line in text.splitlines()]
        known = {make_id(line.lstrip("# ")) for line in lines if line.startswith("#")}
        known |= {line[1:-2] for line in lines if line.startswith("(") and line.endswith(")=")}  # a heading's own label
        assert not anchor or anchor in known, f"{one.row.id}: {anchor}"
        assert anchor or one.row.kind == "value", f"{one.row.id} says nowhere what shows it"


def test_the_example_is_read_from_the_records():
    text = words(poster.example_html())
    assert "holds, and not with" in text and "10 pairs of runs" in text
