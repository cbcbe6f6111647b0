"""The ledger is drawn from claims and records alone, and says of every row what it is or what it waits for."""

import json
import re
from html.parser import HTMLParser

import pytest
import yaml
from claims_toy import falling, record, text, trained_pair

from mmlib.book.ledger import MARK, ledger_html, stage
from mmlib.book.ledger_context import context, places
from mmlib.book.sparkline import sparkline
from mmlib.claims import load, names
from mmlib.runs.history import add_night


@pytest.fixture
def drawn(tmp_path):
    """Draw a ledger of the toy paper with some records and nights."""

    def draw(records=(), nights=(), **direction):
        (tmp_path / "claims").mkdir(exist_ok=True)
        (tmp_path / "claims" / "toy.yml").write_text(yaml.safe_dump(text(**direction)))
        for made in records:
            name = f"{made['variant']}-{made['data']}-{made['preset']}-{made['seed']}.json"
            path = tmp_path / "results" / "toy" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(made))
        for night in nights:
            add_night("toy", night, tmp_path / "results")
        return ledger_html(tmp_path / "claims", tmp_path / "results")

    return draw


def words(html: str) -> str:
    """The text of a piece of HTML, without its script and style."""
    return re.sub(r"\s+", " ", re.sub(r"<style>.*?</style>|<[^>]+>", " ", html))


def night(mean: float, drifted: bool = False) -> dict:
    """A line of history with the toy's claim."""
    entry = {"word": "holds", "mean": mean, "low": mean - 1, "high": mean + 1, "error": 0.5, "n": 3}
    made = {"made": "2026-11-20T00:00:00+00:00", "commit": "c", "device": "CPU", "claims": {}, "drifted": {}}
    made["drifted" if drifted else "claims"]["toy.flow_helps"] = entry
    return made


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
    html = words(drawn())
    assert "No claim has been judged yet" in html
    assert "Not attempted: not run yet." in html and "make reproduce CHAPTER=01_toy PRESET=laptop DATA=streets" in html
    assert "Flow helps." in html and "Table 1: Ours: mIoU 52.1" in html


def test_a_judged_claim_comes_first_with_paper_ours_interval_verdict_and_provenance(drawn):
    html = drawn([*trained_pair()])
    text = words(html)
    assert text.index("Headline claims") < text.index("Values") < text.index("The papers' tables")
    assert "+1.9" in text and "holds" in text and "n = 3 seeds" in text and "flow 61.0" in text
    assert "+10.000 [10.000, 10.000]" in text
    assert "6 records at laptop, 2026-11-20, commit 01234567" in text


def test_a_claim_that_failed_is_listed_like_one_that_held(drawn):
    text = words(drawn(trained_pair((0.50, 0.51, 0.52), (0.60, 0.61, 0.62), (0.6, 0.7))))
    assert "✗ contradicted" in text and "−10.000" in text


def test_undertrained_comparisons_say_what_is_missing(drawn):
    assert "undecided: undertrained the runs with twice" in words(drawn(trained_pair()[:-1]))


def test_controls_and_values_have_their_own_tables(drawn):
    long = falling(0.0, 320)
    shuffled = [record("shuffled", s, 0.5) for s in range(3)] + [record("shuffled_x2", 0, 0.5, losses=long)]
    text = words(drawn([*trained_pair(), *shuffled], controls=["shuffled"]))
    assert "Negative controls" in text and "Control: flow scores higher than shuffled." in text
    assert "Values" in text and "differs" in text and "ours is +8.9 away" in text


def test_context_is_folded_and_keeps_doubts(drawn):
    html = drawn()
    fold = html[html.index("its tables as printed") :]
    assert "70.1" in fold and "made for tests" in fold
    assert html.rindex("<details", 0, html.index("its tables as printed")) > 0


def test_everything_is_escaped(drawn):
    html = drawn(statement="a < b & <script>alert(1)</script>", reason="<b>", command='x "<i>"')
    assert "<script" not in html and "<b>" not in html and "<i>" not in html and "a &lt; b &amp;" in html


def test_the_html_is_well_formed_and_loads_nothing(drawn):
    html = drawn(trained_pair(), [night(1.0), night(1.1), night(9.0, drifted=True)])
    checker = Balanced()
    checker.feed(html)
    assert not checker.open
    assert "src=" not in html and "http" not in html and "\n\n" not in html
    assert ledger_html() == ledger_html(), "the same records give the same page"


def test_every_row_of_the_real_claims_is_counted():
    html = ledger_html()
    for key in names():
        assert f'data-paper="{key}"' in html
    shown = words(html)
    for key in names():
        assert all(re.sub(r"\s+", " ", row.statement) in shown.replace("&#x27;", "'") for row in load(key).directions)
    assert f"{html.count('data-verdict=')} rows" in shown


def test_history_is_a_line_with_its_band_and_what_was_held_back(drawn):
    html = drawn(trained_pair(), [*map(night, (1.0, 1.1, 0.9, 1.0, 1.0)), night(9.0, drifted=True)])
    svg = re.search(r"<svg.*?</svg>", html)[0]
    assert "6 nights, from 1 to 9, band 0.5 to 1.5, 1 drifted" in svg
    assert svg.count("<rect") == 1 and svg.count("<circle") == 2
    assert len(re.search(r'points="([^"]+)"', svg)[1].split()) == 5


def test_a_history_of_one_night_is_a_word():
    entry = {"mean": 1.0, "error": 0.1}
    assert (sparkline([]), sparkline([entry])) == ("no night yet", "first night")
    assert "no band yet" in sparkline([entry, entry]) and "<rect" not in sparkline([entry, entry])


def test_the_line_rises_where_the_mean_rises():
    svg = sparkline([{"mean": m, "error": 0.1} for m in (1.0, 2.0, 3.0)])
    heights = [float(point.split(",")[1]) for point in re.search(r'points="([^"]+)"', svg)[1].split()]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 3


def test_it_is_staged_in_the_place_of_the_mark(tmp_path, root):
    page = tmp_path / "ledger.md"
    page.write_text((root / "book" / "ledger.md").read_text())
    assert page.read_text().count(MARK) == 1
    stage(page, "<p>here</p>")
    assert "```{raw} html\n<p>here</p>\n```" in page.read_text() and MARK not in page.read_text()
    with pytest.raises(ValueError, match="expected the line"):
        stage(page, "<p>again</p>")


def test_a_damaged_record_stops_the_page(drawn, tmp_path):
    drawn(trained_pair())
    path = tmp_path / "results" / "toy" / "flow-streets-laptop-0.json"
    path.write_text(path.read_text()[:50])
    with pytest.raises(ValueError, match=path.name):
        drawn()


def test_doubts_name_the_part_of_the_table_they_concern():
    fusenet, tsjnet = load("fusenet_ris"), load("tsjnet")
    where = places([cell for cell in fusenet.cells if cell.table == "results"])
    assert where["presumably MLSL"] == "MISL"
    assert where["the published row has 25.9 here"] == "Source only vege"
    assert [place for doubt, place in where.items() if "published ones of bus" in doubt] == ["vege"]
    assert not any("adaptation" in doubt for doubt in where), "what concerns all cells concerns the table"
    where = places([cell for cell in tsjnet.cells if cell.table == "msrs"])
    assert where == {
        "the row lost this cell": "TSJNet VIF",
        "printed under VIF; the radar chart places CC at 0.617": "TSJNet CC",
    }


def test_doubtful_cells_are_starred():
    shown = words(context(load("tsjnet")))
    assert "0.69 18.13 1502.60 missing* 0.62* 344.20" in shown
    assert "0.59* 10.44 (12.34?)*" in shown and "0.67 14.11 2989.60" in shown
