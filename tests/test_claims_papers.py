"""The claims files themselves: each printed number is the source's, and what we promise to run is within bounds."""

import os
import re
from pathlib import Path

import pytest

from mmlib.claims import judge, load, names
from mmlib.claims.loading import CLAIMS

PAPERS = ("flow2seg", "fusenet_ris", "segmif", "tsjnet")
SECTION = {"fusenet_ris": 1, "segmif": 2, "flow2seg": 3, "tsjnet": 4}
ROOT = Path(__file__).resolve().parents[1]
every_paper = pytest.mark.parametrize("key", PAPERS)
every_file = pytest.mark.parametrize("key", names())


@pytest.fixture(scope="module")
def sheet() -> str:
    """The fact sheet that the claims were taken from."""
    places = [os.environ.get("MMLIB_PAPERS"), ROOT / "../shared/reference/papers.md"]
    found = next((Path(p) for p in places if p and Path(p).is_file()), None)
    if found is None:
        pytest.skip("no fact sheet of the papers: set MMLIB_PAPERS")
    return found.read_text(encoding="utf-8")


def section(sheet: str, number: int) -> list[str]:
    """The lines of one numbered part, without marks of emphasis."""
    part = re.split(r"^# (?=\d+\.)", sheet, flags=re.M)
    text = next(p for p in part if p.startswith(f"{number}."))
    return re.sub(r"[*~]", "", text).splitlines()


def in_order(values: list[str], line: str) -> bool:
    """Whether all values stand in a line as whole numbers, in this order."""
    at = 0
    for value in values:
        hit = re.compile(rf"(?<![\d.]){re.escape(value)}(?!\d|\.\d)").search(line, at)
        if hit is None:
            return False
        at = hit.end()
    return True


def test_all_four_papers_are_there():
    assert set(PAPERS) <= set(names())


@every_paper
def test_every_printed_row_stands_in_the_source(key, sheet):
    lines = section(sheet, SECTION[key])
    rows: dict[tuple, list[str]] = {}
    for cell in load(key).cells:
        rows.setdefault((cell.table, cell.row), []).extend([cell.value] if cell.value is not None else [])
    for row, values in rows.items():
        assert any(in_order(values, line) for line in lines), f"{row}: {values} is no row of the source"


@every_paper
def test_differences_and_corrections_stand_in_the_source(key, sheet):
    text = "\n".join(section(sheet, SECTION[key]))
    paper = load(key)
    printed = [row.printed for row in paper.directions if row.printed]
    printed += [cell.instead for cell in paper.cells if cell.instead]
    for value in printed:
        assert re.search(rf"(?<![\d.]){re.escape(value)}(?!\d)", text), value


def test_a_changed_digit_would_be_noticed(sheet):
    lines = section(sheet, 4)
    good = ["0.70", "14.52", "2544.58", "0.33", "0.64", "516.82"]
    assert any(in_order(good, line) for line in lines)
    for wrong in (["0.70", "14.52", "2544.58", "0.33", "0.64", "516.8"], [good[1], good[0], *good[2:]]):
        assert not any(in_order(wrong, line) for line in lines)


def markdown_rows(lines: list[str], start: str, end: str) -> int:
    """How many table rows stand between two headings, heads not counted."""
    text = "\n".join(lines)
    part = text[text.index(start) : text.index(end)].splitlines()
    rules = sum(bool(re.match(r"\|[-| ]+\|$", line)) for line in part)
    return sum(line.startswith("|") for line in part) - 2 * rules


def test_no_row_of_the_tables_is_left_out(sheet):
    def rows(key, tables):
        return len({(c.table, c.row) for c in load(key).cells if c.table in tables})

    tsjnet = markdown_rows(section(sheet, 4), "## 4.7", "Normalised down-stream")
    assert tsjnet == rows("tsjnet", {"msrs", "m3fd", "roadscene", "llvip"}) == 32
    flow2seg = markdown_rows(section(sheet, 3), "## 3.4", "Tab. 2a")
    assert flow2seg == rows("flow2seg", {"1a", "1b", "1c"}) == 13
    fusenet = markdown_rows(section(sheet, 1), "As printed", "Conclusions")
    assert fusenet == rows("fusenet_ris", {"results", "published"}) == 9


@every_file
def test_promises_are_within_bounds(key):
    paper = load(key)
    headlines = [row for row in paper.directions if row.headline]
    assert 1 <= len(headlines) <= 3
    assert all(row.seeds == 10 for row in headlines)
    for row in paper.directions:
        assert row.seeds == 10 or (row.seeds == 3 and not row.headline), row.id
        parent = paper.direction(row.control_of) if row.control_of else row
        assert row.seeds == parent.seeds


@every_paper
def test_each_sense_has_its_negative_controls(key):
    assert [row for row in load(key).directions if row.control_of], "no control at all"


@every_paper
def test_recollections_are_never_judged(key):
    paper = load(key)
    judged = {j.row.id: j.verdict.word for j in judge(paper, {})}
    for cell in paper.cells:
        if cell.kind == "value" and cell.grade == "L":
            assert judged[cell.id] == "unverified source"
    assert all(row.command or row.measure for row in paper.cells if row.kind == "value")


def test_doubts_stand_where_they_belong():
    fusenet, tsjnet = load("fusenet_ris"), load("tsjnet")
    for wrong in ("traffic_light", "bus", "bicycle"):
        cell = fusenet.cell(f"results.ours.{wrong}")
        assert cell.column in ("Sign", "vege", "fence") and any("headed" in d for d in cell.doubts)
        assert cell.measure.path == f"test.iou.{wrong}"
    assert not any("headed" in d for d in fusenet.cell("results.ours.road").doubts)
    missing = tsjnet.cell("msrs.tsjnet.vif")
    assert missing.value is None and missing.doubts
    copied = [c for c in tsjnet.cells if any("copied" in d for d in c.doubts)]
    llvip = [tsjnet.cell(f"llvip.divfusion.{c}").value for c in ("psnr", "mse", "vif", "cc", "cv")]
    assert [c.value for c in copied] == llvip and copied[0].instead == "12.34"
    assert all(c.grade in "LW" for c in load("segmif").cells if c.table != "abstract")


def test_judged_values_name_the_papers_protocol():
    cell = load("tsjnet").cell("roadscene.tsjnet.ssim")
    assert (cell.data, cell.split, cell.convention, cell.measure.data) == (
        "roadscene",
        "all 221",
        "tsjnet",
        "roadscene",
    )
    assert load("tsjnet").cell("msrs.tsjnet.ssim").measure.data == "msrs-jpeg92"


def test_the_files_hold_no_machine():
    for path in CLAIMS.glob("*.yml"):
        assert not re.search(r"/(work|home|root)/|papers\.md", path.read_text(encoding="utf-8"))
