"""Which printed numbers were checked: each way is found, nothing is counted twice, and nobody's cells stay nobody's."""

import re
from types import SimpleNamespace

import pytest
from ledger_toy import grid, papers, write

from mmlib.book import cells
from mmlib.book.ledger import ledger_html
from mmlib.results import load_claims, paper_keys
from mmlib.results.evidence import judge_book

REAL = {key: load_claims(key) for key in paper_keys()}


def verdicts(paper, word):
    """Judged rows of a paper: all of its own values get one word."""
    made = [
        SimpleNamespace(row=cell, verdict=SimpleNamespace(word=word)) for cell in paper.cells if cell.kind == "value"
    ]
    return {paper.key: made}


def test_numbers_are_compared_with_their_first_publication_and_memory_does_not_count():
    found = cells.check_cells(REAL, {})
    row = "fusenet_ris.results.source_only"
    assert found[f"{row}.road"] == cells.Check(cells.FIRST, True)
    assert found[f"{row}.bus"] == cells.Check(cells.FIRST, False), "27.9 is printed, 25.9 was published"
    assert found[f"{row}.bicycle"].right is False and found["fusenet_ris.results.uta.traffic_light"].right
    assert "fusenet_ris.results.misl.road" not in found, "its published row is from memory"
    assert "fusenet_ris.results.misl.miou" in found and "fusenet_ris.results.ours.road" not in found


def test_a_cell_that_other_evidence_contradicts_is_checked_and_wrong():
    found = cells.check_cells(REAL, {})
    assert found["tsjnet.m3fd.divfusion.psnr"] == cells.Check(cells.EVIDENCE, False)
    assert "tsjnet.m3fd.divfusion.ssim" not in found


@pytest.mark.parametrize(("word", "right"), [("agrees", True), ("differs", False)])
def test_rivals_check_the_cells_of_the_paper_that_prints_them(word, right):
    found = cells.check_cells(REAL, verdicts(REAL["rivals"], word))
    assert found["tsjnet.roadscene.reconet.psnr"] == cells.Check(cells.WEIGHTS, right)
    assert not any(name.startswith("rivals.") for name in found)
    own = cells.check_cells(REAL, verdicts(REAL["tsjnet"], word))
    assert own["tsjnet.roadscene.tsjnet.psnr"] == cells.Check(cells.HERE, right)


def test_what_has_no_verdict_is_nobodys():
    book = verdicts(REAL["tsjnet"], "not attempted") | verdicts(REAL["rivals"], "unverified source")
    assert cells.check_cells(REAL, book) == cells.check_cells(REAL, {})


def counted(html):
    """The numbers of the table's rows, by the table's name: cells, right, wrong, nobody, in doubt."""
    rows = re.findall(r"<tr>(.*?)</tr>", html[html.index("anybody checked?") :], re.DOTALL)
    plain = [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row, re.DOTALL)] for row in rows
    ]
    return {row[0]: [int(text) for text in row[1:]] for row in plain if len(row) == 6 and row[1].isdigit()}


def test_every_printed_cell_stands_in_one_row_and_the_rows_add_up():
    rows = counted(cells.checked_html(REAL, cells.check_cells(REAL, judge_book())))
    total = rows.pop("All tables")
    assert total == [sum(column) for column in zip(*rows.values())]
    assert total[0] == sum(total[1:4]) and min(total) > 0
    own = [cell for key, paper in REAL.items() if key != "rivals" for cell in paper.cells]
    assert total[0] == sum((cell.paper, cell.table) not in cells.COMPARED for cell in own)
    assert not any("published elsewhere" in name or "rivals" in name for name in rows)


def test_the_ledger_marks_checked_cells_in_the_tables_and_counts_them(tmp_path):
    html = ledger_html(*write(tmp_path, papers(), grid(flow=0.521, plain=0.51)))
    fold = html[html.index("its tables as printed") :]
    assert f'52.1&nbsp;<span role="img" aria-label="{cells.HERE}: came out again"' in fold
    assert "70.1 (70.7?)<sup>a</sup>&nbsp;<span" in fold and "✗ did not" in fold
    assert counted(html)["All tables"] == [2, 1, 1, 0, 1]
    waiting = ledger_html(*write(tmp_path / "b", papers(), []))
    assert counted(waiting)["All tables"] == [2, 0, 1, 1, 1]
