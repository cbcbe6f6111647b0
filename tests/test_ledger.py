"""The ledger is drawn from claims and records alone, and says of every row what it is or what it waits for."""

import json
import re
from html.parser import HTMLParser

import pytest
from ledger_toy import direction, grid, papers, words, write

from mmlib.book import speed
from mmlib.book.ledger import _printed, ledger_html
from mmlib.book.pages import DRAWN, put
from mmlib.results import load_claims, paper_keys

MARK = next(mark for name, mark, *_ in DRAWN if name == "ledger.md")


@pytest.fixture
def drawn(tmp_path):
    """Draw a ledger of the toy papers with some records."""
    return lambda records=(), *directions: ledger_html(*write(tmp_path, papers(*directions), list(records)))


class Balanced(HTMLParser):
    """Fails on an element that is closed by another's end."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, name, attributes):
        if name not in ("input", "img", "br"):
            self.open.append(name)

    def handle_endtag(self, name):
        assert self.open.pop() == name


def test_without_records_every_row_says_why_and_the_command(drawn):
    text = words(drawn())
    assert "No claim has a verdict yet" in text
    assert "Not attempted: not run yet." in text and "make reproduce CHAPTER=01_toy PRESET=night" in text
    assert "Flow helps." in text and "Table 1: Ours: mIoU 52.1" in text


def test_a_judged_claim_comes_first_with_paper_interval_verdict_and_provenance(drawn):
    text = words(drawn(grid(flow=0.61, plain=0.51, shuffled=0.51)))
    assert text.index("Headline claims") < text.index("Values") < text.index("The papers' tables")
    assert "✓ holds, and not with shuffled flow" in text and "survives Benjamini-Hochberg" in text
    assert "+1.9" in text and "+10.000 [10.000, 10.000]" in text and "n = 10 seeds, points" in text
    assert "flow 61.090" in text and "minus shuffled flow: +10.000" in text
    assert "current 30 records at night; made 2026-12-01; commit 01234567" in text
    assert "CPU, 2 cores (Toy 9000, AVX512, threads: 1, bf16)" in text


def test_holds_never_stands_alone(drawn):
    as_well = words(drawn(grid(flow=0.61, plain=0.51, shuffled=0.61)))
    assert "holds, but so does shuffled flow" in as_well and "✓ holds" not in as_well
    not_run = words(drawn(grid(flow=0.63, plain=0.51), direction(id="other", controls=["zeroed"])))
    assert "holds, control not run" in not_run and "✓ holds" not in not_run
    without = words(drawn(grid(flow=0.61, plain=0.51), direction(controls=[])))
    assert "holds (no control belongs to it)" in without


def test_a_claim_that_failed_is_listed_like_one_that_held(drawn):
    text = words(drawn(grid(flow=0.51, plain=0.61, shuffled=0.51)))
    assert "✗ contradicted" in text and "−10.000" in text


def test_unfit_rows_say_why(drawn):
    made = grid(flow=0.61, plain=0.15)
    dead = {"flow path": {"end": {"called": 1.0, "never": 1.0, "varies": 0.0}}}
    made = [one.model_copy(update={"health": dead}) if one.variant == "flow" else one for one in made]
    html = drawn(made)
    text = words(html)
    assert 'data-verdict="unfit"' in html and "100% of its units never fire" in text
    assert "plain does not clear the blind floor" in text and "Benjamini-Hochberg" not in text


def test_a_positive_control_has_a_group_of_its_own(drawn):
    shown = direction(id="hidden", headline=False, statement="Flow shows what hides.", controls=[])
    text = words(drawn(grid(flow=0.61, plain=0.51, shuffled=0.51), direction(positive="hidden"), shown))
    assert text.index("Headline claims") < text.index("Positive controls") < text.index("Flow shows what hides.")


def test_a_paper_that_is_measured_anew_prints_its_note_once(drawn):
    html = drawn()
    assert words(html).count("its networks were dead") == 1 and "2 of its claims have no verdict" in words(html)
    assert html.count('data-paper="dead"') == 1


def test_stale_records_say_what_changed(drawn):
    made = grid(flow=0.61, plain=0.51, shuffled=0.51)
    made[0] = made[0].model_copy(update={"code": made[0].code | {"mmlib/gone.py": "0123456789abcdef"}})
    made[1] = made[1].model_copy(update={"machine": made[1].machine.model_copy(update={"cpu": "Other 7"})})
    made[2] = made[2].model_copy(update={"made": "2026-12-03T00:00:00+00:00"})
    text = words(drawn(made))
    assert "stale: 1 of 30 records changed since 01234567: mmlib/gone.py." in text
    assert "Toy 9000" in text and "Other 7" in text and "made 2026-12-01 to 2026-12-03" in text


def test_values_have_their_own_table(drawn):
    text = words(drawn(grid(flow=0.61, plain=0.51)))
    assert "Values" in text and "✗ differs" in text and "above the paper's 52.1" in text


def test_tables_are_folded_as_printed_and_keep_their_doubts(drawn):
    html = drawn()
    fold = html[html.index("its tables as printed") :]
    assert "70.1 (70.7?)<sup>a</sup>" in fold and "read in a scan; a: the last digit is smudged." in words(fold)
    assert html.rindex("<details", 0, html.index("its tables as printed")) > 0


def test_doubtful_cells_of_a_real_paper_carry_their_letter():
    shown = words("".join(_printed(load_claims("tsjnet"), {})["tables"]))
    assert re.search(r"0\.69 18\.13 1502\.60 missing [a-z] 0\.62 [a-z] 344\.20", shown)
    assert re.search(r"10\.44 \(12\.34\?\) [a-z]", shown)


def test_everything_is_escaped(drawn):
    bad = direction(statement="a < b & <script>alert(1)</script>", reason="<b>", command='x "<i>"')
    html = drawn([], bad)
    assert "<script>alert" not in html and "<b>" not in html and "<i>" not in html and "a &lt; b &amp;" in html


def test_the_html_is_well_formed_and_loads_nothing(drawn):
    html = drawn(grid(flow=0.61, plain=0.51, shuffled=0.51))
    assert html == drawn(), "the same records give the same page"
    assert "src=" not in html and "http" not in html and "```" not in html
    checker = Balanced()
    checker.feed(html)
    assert not checker.open


def test_every_claim_of_the_book_is_on_the_page():
    shown = words(ledger_html())
    for key in paper_keys():
        paper = load_claims(key)
        if paper.remeasured:
            assert paper.remeasured in shown
        else:
            assert all(re.sub(r"\s+", " ", row.statement) in shown for row in paper.directions)


def test_it_is_staged_in_the_place_of_the_mark(tmp_path, root):
    page = tmp_path / "ledger.md"
    page.write_text((root / "book" / "ledger.md").read_text())
    assert page.read_text().count(MARK) == 1
    put(page, MARK, "<p>here</p>")
    assert "```{raw} html\n<p>here</p>\n```" in page.read_text() and MARK not in page.read_text()
    with pytest.raises(ValueError, match="expected the line"):
        put(page, MARK, "<p>again</p>")


def test_a_damaged_record_stops_the_page(drawn, tmp_path):
    drawn(grid(flow=0.5))
    path = tmp_path / "results" / "toy" / "flow-streets-night-0.json"
    path.write_text(path.read_text()[:50])
    with pytest.raises(ValueError, match=path.name):
        drawn()


def test_the_speed_of_training_is_drawn_from_its_record_and_guards_what_is_said_about_it(tmp_path, monkeypatch):
    content = json.loads(speed.MEASURED.read_text())
    ratio = content["measured"]["stack of width 64, a pass"]["times_as_fast"]
    assert f"{ratio:.2f} ×" in speed.speed_html()
    content["measured"]["torch.compile, stack of width 64"]["times_as_fast"] = 1.5
    changed = tmp_path / "training.json"
    changed.write_text(json.dumps(content))
    monkeypatch.setattr(speed, "MEASURED", changed)
    with pytest.raises(AssertionError, match="compiling pays now: rewrite"):
        speed.speed_html()
