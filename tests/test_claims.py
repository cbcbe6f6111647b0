"""Claims files are refused for each way they can be wrong; joined rows get the word that the rules give."""

import json

import pytest
import yaml
from claims_toy import PAPER, by_key, falling, record, text, trained_pair

from mmlib.claims import judge, load, read_records
from mmlib.claims.undertrained import still_falling
from mmlib.runs.training import check_training, last_quarter, training_block
from mmlib.runs.variants import doubled, split_variant


@pytest.fixture
def loaded(tmp_path):
    """Write a claims file and load it."""

    def load_it(content):
        (tmp_path / "toy.yml").write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return load("toy", tmp_path)

    return load_it


@pytest.fixture
def word(loaded):
    """The verdict on the toy's direction, or on its value, for some records."""

    def judged(records, which="toy.flow_helps", **direction):
        rows = {j.row.id: j for j in judge(loaded(text(**direction)), by_key(*records))}
        return rows[which].verdict

    return judged


def test_one_row_per_cell(loaded):
    paper = loaded(PAPER)
    assert [cell.id for cell in paper.cells] == ["toy.t1.other.miou", "toy.t1.ours.miou"]
    other, ours = paper.cells
    assert (other.kind, ours.kind, ours.value, ours.scale) == ("context", "value", "52.1", 100)
    assert ours.measure.path == "test.miou" and other.measure is None
    assert paper.cell("t1.ours.miou") is ours and paper.direction("flow_helps").b == ("plain",)
    with pytest.raises(KeyError, match="no_such"):
        paper.cell("no_such")


def test_a_control_is_a_row_of_its_own(loaded):
    rows = loaded(text(controls=["shuffled", "zeroed"])).directions
    assert [row.id for row in rows[1:]] == ["toy.flow_helps.shuffled", "toy.flow_helps.zeroed"]
    assert all(row.control_of == "toy.flow_helps" and not row.headline and row.printed is None for row in rows[1:])


def changed(path: str, value) -> dict:
    """The toy file with one thing changed; ``...`` takes it out."""
    made = text()
    *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    inner = made
    for part in parents:
        inner = inner[part]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return made


WRONG = [
    ("key", "other", "the file's name"),
    ("title", ..., "'title' as str"),
    ("author", "me", "author"),
    ("tables.0.rows.0.cells", [70.1], "in quotes"),
    ("tables.0.rows.0.cells", ["seventy"], "printed number"),
    ("tables.0.rows.0.cells", ["70.1", "2"], "expected 1 cells"),
    ("tables.0.rows.0.kind", "direction", "context, value"),
    ("tables.0.grade", "A", "grade out of S, C"),
    ("tables.0.metric", ..., "'metric' as str"),
    ("tables.0.better", "bigger", "higher, lower"),
    ("tables.0.scale", "100", "'scale' as int or float"),
    ("tables.0.rows.1.row", "Other", "every id once"),
    ("tables.0.rows.1.measure.seeds", 1, "at least 2 seeds"),
    ("tables.0.rows.1.measure.preset", "huge", "expected a preset"),
    ("tables.0.rows.1.measure.where", "x", "measure fields"),
    ("directions.0.a", ..., "'a' as str"),
    ("directions.0.b", "flow", "other than 'flow'"),
    ("directions.0.b", [], "other than 'flow'"),
    ("directions.0.a", "with-flow", "variants as words"),
    ("directions.0.b", "plain_x2", "variants as words"),
    ("directions.0.data", "../streets", "data as a name"),
    ("directions.0.headline", "yes", "'headline' as bool"),
    ("directions.0.cells", ["t1.nobody.miou"], "t1.nobody.miou"),
    ("directions.0.doubts", [1], "list of texts"),
]


@pytest.mark.parametrize(("path", "value", "message"), WRONG, ids=lambda x: str(x)[:40])
def test_what_is_wrong_in_a_claims_file_is_named(loaded, path, value, message):
    with pytest.raises(ValueError, match=message):
        loaded(changed(path, value))


@pytest.mark.parametrize("content", ["", "- a", "key: [", "key: toy"])
def test_what_is_no_claims_file_is_refused(loaded, content):
    with pytest.raises(ValueError, match="toy.yml"):
        loaded(content)


def test_an_unknown_paper_lists_the_known(loaded, tmp_path):
    loaded(PAPER)
    with pytest.raises(FileNotFoundError, match="expected one of the claims toy; got 'tot'"):
        load("tot", tmp_path)


def test_directions_hold_are_contradicted_or_undecided(word):
    assert word(trained_pair()).word == "holds"
    assert word(trained_pair((0.50, 0.51, 0.52), (0.60, 0.61, 0.62), (0.6, 0.7))).word == "contradicted"
    assert word(trained_pair((0.5, 0.6, 0.5), (0.5, 0.5, 0.6))).word == "undecided"


def test_where_lower_is_better_the_sign_is_turned(word):
    assert word(trained_pair(twice=(0.7, 0.6)), better="lower").word == "contradicted"
    assert word(trained_pair((0.50, 0.51, 0.52), (0.60, 0.61, 0.62), (0.6, 0.7)), better="lower").word == "holds"


def test_differences_are_in_the_papers_unit(word):
    verdict = word(trained_pair())
    assert verdict.interval.mean == pytest.approx(10.0)
    assert "toy/flow-streets-laptop-0" in verdict.runs and len(verdict.runs) == 6


def test_seeds_are_paired_by_number(word):
    """The second seed is easy for both arms; paired by number the gain is 0.1 in each of them."""
    a, b = (0.2, 0.9, 0.4), (0.1, 0.8, 0.3)
    assert word(trained_pair(a, b)).interval.half < 1e-6


def test_against_several_rivals_the_best_counts_in_each_seed(word):
    rivals = [record("sum", s, x) for s, x in enumerate((0.59, 0.40, 0.61))]
    rivals += [record("sum_x2", 0, 0.1, losses=falling(0.0, 320))]
    verdict = word([*trained_pair(), *rivals], b=["plain", "sum"])
    # The rivals' best per seed: 0.59, 0.51, 0.61; ours 0.60, 0.61, 0.62.
    assert verdict.interval.mean == pytest.approx(100 * (0.01 + 0.10 + 0.01) / 3)


def test_a_gain_in_one_place_against_the_gain_in_another(word):
    a = [record("flow", s, 0.6, test={"edge": 0.5 + s / 100, "inside": 0.4}) for s in range(3)]
    b = [record("plain", s, 0.6, test={"edge": 0.3, "inside": 0.35}) for s in range(3)]
    verdict = word([*a, *b], metric="test.edge", less="test.inside", trained=False)
    assert verdict.interval.mean == pytest.approx(100 * (0.11 - (-0.05)))


def test_a_contradiction_needs_one_rival_that_leads(word):
    """Two rivals take turns at being lucky: the better one is always ahead of A, neither is over all seeds."""
    longer = record("sum_x2", 0, 0.7, losses=falling(0.0, 320))
    for sums, expected in (((0.50, 0.71, 0.50), "undecided"), ((0.70, 0.72, 0.71), "contradicted")):
        rivals = [record("sum", s, x) for s, x in enumerate(sums)]
        pair = trained_pair((0.60, 0.61, 0.62), (0.70, 0.51, 0.72), twice=(0.6, 0.7))
        assert word([*pair, *rivals, longer], b=["plain", "sum"]).word == expected


def test_missing_seeds_are_not_attempted_and_the_command_stands_there(word):
    pair = trained_pair()
    verdict = word([r for r in pair if (r["variant"], r["seed"]) != ("flow", 1)])
    assert (verdict.word, verdict.detail) == ("not attempted", "2 of 3 seeds of flow are there")
    assert verdict.command == "make reproduce CHAPTER=01_toy PRESET=laptop DATA=streets"
    assert word([]).detail == "not run yet"
    assert word([], reason="needs the streets", command="make streets").detail == "needs the streets"


def test_more_seeds_than_named_are_not_looked_at(word):
    """Seeds are fixed beforehand; a fourth one, however bad, is not part of the claim."""
    extra = [record("flow", 3, 0.0), record("plain", 3, 0.9)]
    assert word([*trained_pair(), *extra]).interval.n == 3


def test_records_of_other_data_or_presets_do_not_count(word):
    assert word([r | {"data": "fields"} for r in trained_pair()]).word == "not attempted"
    assert word([r | {"preset": "smoke"} for r in trained_pair()]).word == "not attempted"


def test_runs_on_different_test_scenes_are_not_compared(word):
    pair = trained_pair()
    pair[0]["data_fingerprint"] = "another"
    verdict = word(pair)
    assert verdict.word == "not attempted" and "fingerprints differ" in verdict.detail


def test_a_missing_number_is_named(word):
    assert "test.fl_all" in word(trained_pair(), metric="test.fl_all").detail


def test_a_second_hand_statement_is_an_unverified_source(word):
    assert word(trained_pair(), grade="L").word == "unverified source"
    assert word(trained_pair(), grade="W").word == "holds"


@pytest.mark.parametrize("name", ["steps", "data_order", "augmentation", "tuning"])
def test_arms_must_be_trained_alike(word, name):
    pair = trained_pair()
    block = pair[1]["values"]["training"]
    block[name] = 161 if name == "steps" else "another"
    verdict = word(pair)
    assert verdict.word == "undecided: undertrained" and f"differ in {name.replace('_', ' ')}" in verdict.detail


@pytest.mark.parametrize(("fell", "judged"), [(0.049, True), (0.051, False), (-0.2, True)])
def test_the_worse_arm_must_have_flattened(word, fell, judged):
    pair = [r | ({"values": r["values"] | flat(fell)} if r["variant"] == "plain" else {}) for r in trained_pair()]
    assert (word(pair).word == "holds") is judged


def test_the_better_arm_may_still_be_learning(word):
    """It could only get further ahead."""
    pair = [r | ({"values": r["values"] | flat(0.3)} if r["variant"] == "flow" else {}) for r in trained_pair()]
    assert word(pair).word == "holds"
    assert word(pair, better="lower").word == "undecided: undertrained"


def test_the_worse_arm_is_the_one_that_scores_lower_whatever_is_subtracted(word):
    """Plain scores lower; that its difference to elsewhere is larger does not make it the better arm."""
    elsewhere = {"flow": 0.6, "plain": 0.1}
    pair = [
        r | {"values": {**r["values"], "else": {"miou": elsewhere[r["variant"].split("_")[0]]}}} for r in trained_pair()
    ]
    falls = [r | ({"values": r["values"] | flat(0.3)} if r["variant"] == "plain" else {}) for r in pair]
    assert "the loss of plain still fell" in word(falls, less="else.miou").detail


def flat(fell: float) -> dict:
    """A training block whose loss fell by this share in the last quarter."""
    return {"training": training_block(falling(fell), data_order="seeded", augmentation="flip", tuning=TUNING)}


TUNING = "one rate for all"


def test_twice_the_steps_must_leave_a_quarter_of_the_difference(word):
    assert word(trained_pair(twice=(0.7, 0.6))).word == "holds"
    assert word(trained_pair(twice=(0.626, 0.6))).word == "holds"
    for twice in ((0.6, 0.7), (0.6, 0.6), (0.624, 0.6)):
        verdict = word(trained_pair(twice=twice))
        assert verdict.word == "undecided: undertrained" and "twice the steps" in verdict.detail
    negative = {t: trained_pair((0.50, 0.51, 0.52), (0.60, 0.61, 0.62), twice=t) for t in ((0.7, 0.6), (0.6, 0.7))}
    assert [word(pair).word for pair in negative.values()] == ["undecided: undertrained", "contradicted"]


def test_where_no_sign_was_seen_more_steps_cannot_take_it_away(word):
    assert word(trained_pair((0.50, 0.61, 0.50), (0.50, 0.50, 0.60), twice=(0.6, 0.7))).word == "undecided"


def test_without_the_longer_runs_nothing_is_judged(word):
    verdict = word(trained_pair()[:-1])
    assert verdict.word == "undecided: undertrained" and "plain_x2" in verdict.detail


def test_longer_runs_that_are_not_longer_do_not_count(word):
    pair = trained_pair()[:-1] + [record("plain_x2", 0, 0.6)]
    assert "do not have twice the 160 steps" in word(pair).detail


def test_a_run_that_says_nothing_about_training_is_not_judged(word):
    pair = trained_pair()
    del pair[0]["values"]["training"]
    assert word(pair).word == "not attempted"
    assert word(pair, trained=False).word == "holds"


def value_records(mean=0.521, **change):
    """Three seeds around a value."""
    return [record("flow", s, mean + d, **change) for s, d in enumerate((-0.001, 0.0, 0.001))]


def test_values_agree_or_differ_in_the_papers_unit(word):
    agrees, differs = (word(value_records(m), "toy.t1.ours.miou") for m in (0.521, 0.60))
    assert (agrees.word, differs.word) == ("agrees", "differs")
    assert differs.gap == pytest.approx(7.9)


@pytest.mark.parametrize("other", [{"split": "train"}, {"convention": "mean without background"}, {"split": None}])
def test_a_value_under_another_protocol_is_shown_and_not_judged(word, other):
    verdict = word(value_records(test=other), "toy.t1.ours.miou")
    assert verdict.word == "not attempted" and "the paper's" in verdict.detail
    assert verdict.interval.mean == pytest.approx(52.1)


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"measure": None}, "no run of ours"),
        ({"data": "streets-jpeg92"}, "our test data are streets, the paper's streets-jpeg92"),
        ({"withheld": "the variant is unknown"}, "the variant is unknown"),
        ({"cells": [None]}, "the paper's cell is missing"),
    ],
)
def test_values_that_cannot_be_compared_say_why(loaded, change, detail):
    made = text()
    made["tables"][0]["rows"][1] |= change
    rows = {j.row.id: j for j in judge(loaded(made), by_key(*value_records()))}
    verdict = rows["toy.t1.ours.miou"].verdict
    assert verdict.word == "not attempted" and detail in verdict.detail and verdict.command


def test_a_recollected_value_is_an_unverified_source(loaded):
    made = text()
    made["tables"][0]["rows"][1]["grade"] = "L"
    rows = {j.row.id: j for j in judge(loaded(made), by_key(*value_records()))}
    assert rows["toy.t1.ours.miou"].verdict.word == "unverified source"


def test_context_is_never_judged(loaded):
    judged = judge(loaded(PAPER), by_key(*trained_pair(), *value_records()))
    assert "toy.t1.other.miou" not in {j.row.id for j in judged}


def test_records_are_found_by_what_they_say_and_where_they_lie(tmp_path):
    made = record("flow", 0, 0.5)
    path = tmp_path / "toy" / "flow-streets-laptop-0.json"
    path.parent.mkdir()
    path.write_text(json.dumps(made))
    assert list(map(str, read_records("toy", tmp_path))) == ["toy/flow-streets-laptop-0"]
    path.rename(path.with_name("plain-streets-laptop-0.json"))
    with pytest.raises(ValueError, match="expected the record of plain-streets-laptop-0"):
        read_records("toy", tmp_path)


def test_the_course_of_a_loss_in_sixteen_parts():
    block = training_block([float(32 - i) for i in range(32)], data_order="o", augmentation="a", tuning="t")
    assert (block["steps"], len(block["first_losses"]), block["first_losses"][0]) == (32, 20, 32.0)
    assert block["curve"] == [31.5 - 2 * i for i in range(16)]
    # Third quarter: parts 8 to 11 (15.5, 13.5, 11.5, 9.5); last: parts 12 to 15 (7.5, 5.5, 3.5, 1.5).
    assert last_quarter(block["curve"]) == pytest.approx(1 - 4.5 / 12.5)
    assert last_quarter([0.0] * 16) == 0


def test_seeds_are_averaged_before_their_course_is_read():
    runs = [record("flow", 0, 0.5, losses=falling(0.2)), record("flow", 1, 0.5, losses=falling(-0.2))]
    assert still_falling(runs) == pytest.approx(0.0, abs=1e-12)


BROKEN = {
    "steps": "many",
    "data_order": None,
    "curve": [1.0] * 15,
    "first_losses": [],
    "tuning": 3,
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_training_block_is_refused(name):
    good = record("flow", 0, 0.5)["values"]["training"]
    assert check_training(good) == good
    with pytest.raises(ValueError, match=name):
        check_training(good | {name: BROKEN[name]})
    for bad in (float("nan"), -1.0, "1"):
        with pytest.raises(ValueError, match="losses"):
            check_training(good | {"curve": [bad] * 16})


def test_too_few_steps_have_no_course():
    with pytest.raises(ValueError, match="at least 16"):
        training_block([1.0] * 15, data_order="o", augmentation="a", tuning="t")


def test_names_of_variants_trained_twice_as_long():
    assert doubled("flow") == "flow_x2"
    assert split_variant("flow_x2") == ("flow", 2) and split_variant("flow") == ("flow", 1)
