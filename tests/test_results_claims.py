"""Claims files are refused for each way they can be wrong; the papers' own print what the papers print."""

import os
import re
from pathlib import Path

import pytest
from results_toy import CLAIMS, loaded, text

from mmlib.notebooks import chapters
from mmlib.results import ROOT, judge, load_claims, paper_keys, settings
from mmlib.results.claims import half_last_digit

PAPERS = {"fusenet_ris": 1, "segmif": 2, "flow2seg": 3, "tsjnet": 4}
"""The papers, each with its section in the fact sheet."""
every_paper = pytest.mark.parametrize("key", PAPERS)
every_file = pytest.mark.parametrize("key", paper_keys())


# ---------------------------------------------------------------------------------------------------------------------
# Reading


def test_a_cell_has_what_its_table_column_row_and_self_say(tmp_path):
    content = text()
    table = content["tables"][0]
    table["columns"] = [{"name": "mIoU", "doubts": "from the column"}]
    table |= {"doubts": ["from the table"]}
    table["rows"][0] |= {"grade": "W", "cells": [{"value": "70.1", "grade": "C", "doubts": "from the cell"}]}
    paper = loaded(tmp_path, content)
    other, ours = paper.cells
    assert (other.id, ours.id) == ("toy.t1.other.miou", "toy.t1.ours.miou")
    assert (other.kind, other.grade, other.measure) == ("context", "C", None)
    assert (ours.kind, ours.grade, ours.value, ours.scale) == ("value", "S", "52.1", 100)
    assert other.doubts == ("from the table", "from the column", "from the cell")
    assert ours.measure.path == "test.miou", "{metric} is filled in"
    assert paper.cell("t1.ours.miou") is ours and paper.direction("flow_helps").b == ("plain",)
    assert paper.label("shuffled") == "shuffled flow" and paper.label("flow_only") == "flow only"
    with pytest.raises(KeyError, match="nobody"):
        paper.cell("nobody")


def changed(path: str, value) -> dict:
    """The toy file with one thing changed; ``...`` takes it out."""
    made = text()
    *parents, last = [int(part) if part.isdigit() else part for part in path.split(".")]
    inner = made
    for part in parents:
        inner = inner[part]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return made


CELL, DIRECTION = "tables.0.rows.1", "directions.0"
WRONG = [
    ("title", ..., "title: Field required"),
    ("author", "me", "author: Extra inputs"),
    ("presets", {"huge": {}}, "expected presets out of smoke, .*'huge'"),
    ("variants", {"flow": {}}, "expected variants out of flow, got 'plain'"),
    ("variants", {"flow_x2": {}}, "by their own name, got 'flow_x2'"),
    ("trials", {"Rate": {}}, "lower-case"),
    ("tables.0.id", ..., "id and title"),
    ("tables.0.title", 3, "id and title"),
    ("tables.0.colour", "red", "fields of a table, got 'colour'"),
    ("tables.0.columns", [{"name": "mIoU", "colour": "red"}], "fields of a column, got 'colour'"),
    ("tables.0.columns", [7], "names of row and column"),
    ("tables.0.metric", ..., "metric: Field required"),
    ("tables.0.grade", "A", "grade: Input should be"),
    ("tables.0.better", "bigger", "better: Input should be"),
    ("tables.0.scale", "100", "scale: Input should be a valid number"),
    ("tables.0.doubts", 7, "doubts.0: Input should be a valid string"),
    (f"{CELL}.row", "Other", "every id once"),
    (f"{CELL}.colour", "red", "fields of a row, got 'colour'"),
    (f"{CELL}.kind", "direction", "kind: Input should be"),
    (f"{CELL}.cells", [52.1], "in quotes"),
    (f"{CELL}.cells", ["fifty"], "printed number"),
    (f"{CELL}.cells", ["52.1", "2"], "expected 1 cells, got 2"),
    (f"{CELL}.cells", [{"value": "52.1", "colour": "red"}], "colour: Extra inputs"),
    (f"{CELL}.measure.seeds", 0, "greater than or equal to 1"),
    (f"{CELL}.measure.preset", "huge", "expected a preset"),
    (f"{CELL}.measure.where", "x", "where: Extra inputs"),
    (f"{CELL}.measure.data", "../streets", "letters, digits, _ and -"),
    (f"{DIRECTION}.a", ..., "a: Field required"),
    (f"{DIRECTION}.a", "with-flow", "lower-case"),
    (f"{DIRECTION}.a", "flown", "expected variants out of flow, plain, .*'flown'"),
    (f"{DIRECTION}.b", "flow", "to differ, got flow, flow"),
    (f"{DIRECTION}.b", [], "b: .*at least 1 item"),
    (f"{DIRECTION}.b", "plain_x2", "by their own name, got 'plain_x2'"),
    (f"{DIRECTION}.controls", ["plain"], "to differ"),
    (f"{DIRECTION}.controls", ["nobody"], "expected variants out of"),
    (f"{DIRECTION}.of", "nobody", "expected {} for the arm in metric and less, got 'test.miou'"),
    (f"{DIRECTION}.seeds", 4, "at least 5 seeds, got 4"),
    (f"{DIRECTION}.headline", True, "at least 10 seeds, got 5"),
    (f"{DIRECTION}.headline", "yes", "headline: Input should be a valid boolean"),
    (f"{DIRECTION}.data", "a/b", "letters, digits, _ and -"),
    (f"{DIRECTION}.cells", ["t1.nobody.miou"], "t1.nobody.miou"),
    (f"{DIRECTION}.cells", 7, "toy.7"),
    (f"{DIRECTION}.doubts", [1], "doubts.0: Input should be a valid string"),
    (f"{DIRECTION}.positive", "nobody", "as positive a direction without one, got 'nobody'"),
    (f"{DIRECTION}.positive", "flow_helps", "as positive a direction without one, got 'flow_helps'"),
    (f"{DIRECTION}.colour", "red", "colour: Extra inputs"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=lambda x: str(x)[:40])
def test_what_is_wrong_in_a_claims_file_is_named(tmp_path, path, value, message):
    with pytest.raises(ValueError, match=message) as error:
        loaded(tmp_path, changed(path, value))
    assert str(error.value).startswith("toy.yml")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"of": "nobody", "metric": "{}.miou"}, "expected variants out of flow, .*'nobody'"),
        ({"of": "flow_x2", "metric": "{}.miou"}, "by their own name, got 'flow_x2'"),
        ({"of": "flow", "metric": "{}.miou", "less": "day.miou"}, "expected {} for the arm in metric and less"),
    ],
)
def test_what_is_wrong_in_a_claim_about_one_network_is_named(tmp_path, change, message):
    assert loaded(tmp_path, text(of="flow", a="any", b="name", metric="{}.miou")).directions[0].of == "flow"
    with pytest.raises(ValueError, match=message):
        loaded(tmp_path, text(**change))


def test_an_unknown_paper_lists_the_known(tmp_path):
    loaded(tmp_path, CLAIMS)
    with pytest.raises(FileNotFoundError, match="expected one of the claims toy; got 'tot'"):
        load_claims("tot", tmp_path)


@pytest.mark.parametrize(("printed", "half"), [("52.1", 0.05), ("46", 0.5), ("0.70", 0.005), ("+1.9", 0.05)])
def test_half_the_last_digit(printed, half):
    assert half_last_digit(printed) == pytest.approx(half, rel=1e-12)
    for bad in ("", "about 3", "1,5", "NaN"):
        with pytest.raises(ValueError, match="printed number"):
            half_last_digit(bad)


# ---------------------------------------------------------------------------------------------------------------------
# Settings of a run

DEFAULTS = {
    "steps": 100,
    "rate": 0.01,
    "loss": {"ce": 1.0, "dice": 0.0},
    "inputs": {},
    "size": [96, 128],
    "start": None,
}


@pytest.fixture
def run(tmp_path):
    """The settings of a run of the toy with some presets and variants."""

    def merged(preset, variant, *, presets=None, **variants):
        content = text() | {"presets": presets or CLAIMS["presets"]}
        content["variants"] = content["variants"] | variants
        loaded(tmp_path, content)
        return settings("toy", preset, variant, DEFAULTS, tmp_path)

    return merged


def test_the_preset_changes_the_defaults_and_the_variant_both(run):
    assert vars(run("laptop", "flow")) == DEFAULTS | {"variant": "flow"}
    assert run("smoke", "flow").steps == 20 and run("smoke", "plain").rate == 0.1
    assert run("smoke", "rate_3").rate == 0.3, "what is tried for tuning runs like a variant"
    assert run("smoke", "flow", flow={"steps": 7, "size": [4, 4], "start": "x"}).steps == 7
    assert run("laptop", "flow", flow={"size": [4, 4]}).size == [4, 4]


def test_twice_the_steps(run):
    longer = run("smoke", "flow_x2")
    assert (longer.steps, longer.variant) == (40, "flow")


def test_of_nested_settings_only_what_is_named_changes(run):
    made = run("laptop", "flow", flow={"loss": {"dice": 2}, "inputs": {"ir": "shuffled"}})
    assert made.loss == {"ce": 1.0, "dice": 2} and made.inputs == {"ir": "shuffled"}
    assert DEFAULTS["loss"]["dice"] == 0.0, "the notebook's defaults stay as they are shown"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stepps": 3}, "toy.yml, flow: expected settings out of steps, rate, .*'stepps'"),
        ({"loss": {"dise": 2}}, "expected settings out of ce, dice, got 'dise'"),
        ({"rate": "1e-3"}, "expected rate as a number, got the text '1e-3'; next: write 1.0e-3"),
    ],
)
def test_a_setting_that_the_notebook_does_not_have_is_refused(run, change, message):
    with pytest.raises(ValueError, match=message):
        run("laptop", "flow", flow=change)
    with pytest.raises(ValueError, match=message.replace("flow", "preset laptop")):
        run("laptop", "flow", presets={"laptop": change})


def test_unknown_variants_and_presets_list_the_known(run):
    with pytest.raises(ValueError, match="expected a variant out of flow, plain, .*rate_3, got 'flown'"):
        run("laptop", "flown")
    with pytest.raises(ValueError, match="expected a preset out of smoke, laptop, night"):
        run("huge", "flow")


# ---------------------------------------------------------------------------------------------------------------------
# The papers' own files


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
    parts = re.split(r"^# (?=\d+\.)", sheet, flags=re.M)
    part = next(p for p in parts if p.startswith(f"{number}."))
    return re.sub(r"[*~]", "", part).splitlines()


def in_order(values: list[str], line: str) -> bool:
    """Whether all values stand in a line as whole numbers, in this order."""
    at = 0
    for value in values:
        hit = re.compile(rf"(?<![\d.]){re.escape(value)}(?!\d|\.\d)").search(line, at)
        if hit is None:
            return False
        at = hit.end()
    return True


@every_paper
def test_every_printed_row_stands_in_the_source(key, sheet):
    lines, paper = section(sheet, PAPERS[key]), load_claims(key)
    rows: dict[tuple, list[str]] = {}
    for cell in paper.cells:
        rows.setdefault((cell.table, cell.row), []).extend([cell.value] if cell.value is not None else [])
    for row, values in rows.items():
        assert any(in_order(values, line) for line in lines), f"{row}: {values} is no row of the source"
    printed = [row.printed for row in paper.directions if row.printed]
    for value in printed + [cell.instead for cell in paper.cells if cell.instead]:
        assert re.search(rf"(?<![\d.]){re.escape(value)}(?!\d)", "\n".join(lines)), value


def test_a_changed_digit_would_be_noticed(sheet):
    lines = section(sheet, 4)
    good = ["0.70", "14.52", "2544.58", "0.33", "0.64", "516.82"]
    assert any(in_order(good, line) for line in lines)
    for wrong in ([*good[:-1], "516.8"], [good[1], good[0], *good[2:]]):
        assert not any(in_order(wrong, line) for line in lines)


def markdown_rows(lines: list[str], start: str, end: str) -> int:
    """How many table rows stand between two headings, heads not counted."""
    text = "\n".join(lines)
    part = text[text.index(start) : text.index(end)].splitlines()
    rules = sum(bool(re.match(r"\|[-| ]+\|$", line)) for line in part)
    return sum(line.startswith("|") for line in part) - 2 * rules


@pytest.mark.parametrize(
    ("key", "tables", "start", "end", "count"),
    [
        ("tsjnet", {"msrs", "m3fd", "roadscene", "llvip"}, "## 4.7", "Normalised down-stream", 32),
        ("flow2seg", {"1a", "1b", "1c"}, "## 3.4", "Tab. 2a", 13),
        ("fusenet_ris", {"results", "published"}, "As printed", "Conclusions", 9),
    ],
)
def test_no_row_of_the_tables_is_left_out(sheet, key, tables, start, end, count):
    rows = {(cell.table, cell.row) for cell in load_claims(key).cells if cell.table in tables}
    assert markdown_rows(section(sheet, PAPERS[key]), start, end) == len(rows) == count


@every_file
def test_promises_are_within_bounds(key):
    paper = load_claims(key)
    if paper.directions:  # a file may hold printed cells alone
        mapped = all(row.of for row in paper.directions)  # many tests of one network: a map
        least = 1 if paper.notebook in chapters() and not mapped else 0  # nor has a run that is no page a headline
        assert least <= len([row for row in paper.directions if row.headline]) <= 3
        assert any(row.controls for row in paper.directions), "no control at all"
    assert all(row.seeds <= 10 for row in paper.directions)
    assert all(row.command or row.measure for row in paper.cells if row.kind == "value")


@every_paper
def test_recollections_are_never_judged(key):
    words = {one.row.id: one.verdict.word for one in judge(load_claims(key), {})}
    for cell in load_claims(key).cells:
        if cell.kind == "value" and cell.grade == "L":
            assert words[cell.id] == "unverified source"


def test_doubts_stand_where_they_belong():
    fusenet, tsjnet = load_claims("fusenet_ris"), load_claims("tsjnet")
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
    assert all(c.grade in "LW" for c in load_claims("segmif").cells if c.table != "abstract")
    ssim = tsjnet.cell("roadscene.tsjnet.ssim")
    assert (ssim.data, ssim.split, ssim.convention) == ("roadscene", "all 221", "tsjnet")


def test_the_files_hold_no_machine():
    for path in (ROOT / "claims").glob("*.yml"):
        assert not re.search(r"/(work|home|root)/|papers\.md", path.read_text(encoding="utf-8"))
