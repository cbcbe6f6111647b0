"""The rules of evidence, each at its boundary and from both sides."""

import math

import pytest
from results_toy import ALIVE, SEEDS, changed, grid, health, loaded, record, scores, text
from scipy import stats

from mmlib.results import Interval, Verdict, judge, judge_book, paired_interval, t_interval
from mmlib.results.evidence import benjamini_hochberg, keys_of, t_quantile, value_verdict


@pytest.fixture
def word(tmp_path):
    """The verdict on the toy's direction for some records; changes are to the direction."""

    def judged(records, *, more=(), which="toy.flow_helps", top=None, **direction):
        content = text(**direction) | (top or {})
        content["directions"] += more
        return {one.row.id: one for one in judge(loaded(tmp_path, content), records)}[which].verdict

    return judged


GOOD = grid(flow=0.60, plain=0.50)
WITH_CONTROL = GOOD | grid(shuffled=0.50)


# ---------------------------------------------------------------------------------------------------------------------
# Intervals

# Two-sided 95 % points as printed in any statistics table.
PRINTED = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 9: 2.262, 29: 2.045, 120: 1.980}
VALUES = [0.31, 0.36, 0.29, 0.35, 0.33]


@pytest.mark.parametrize("degrees", PRINTED)
def test_quantiles_are_those_of_the_tables(degrees):
    assert t_quantile(degrees) == pytest.approx(PRINTED[degrees], abs=5e-4)


def test_intervals_agree_with_scipy():
    ours = t_interval(VALUES)
    low, high = stats.t.interval(0.95, len(VALUES) - 1, ours.mean, stats.sem(VALUES))
    assert (ours.low, ours.high, ours.n) == (pytest.approx(low), pytest.approx(high), 5)
    assert ours.p == pytest.approx(stats.ttest_1samp(VALUES, 0).pvalue, rel=1e-9)
    assert ours.scaled(100).high == pytest.approx(100 * high)


def test_the_interval_for_one_more_run_is_wider_than_that_for_the_mean():
    # 1, 2, 3: mean 2, s = 1; one run 4.3027 * sqrt(1 + 1/3), the mean 4.3027 * sqrt(1/3).
    interval = t_interval([1.0, 2.0, 3.0])
    assert interval.high - 2 == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert interval.for_one_run()[1] - 2 == pytest.approx(4.302653 * math.sqrt(4 / 3), rel=1e-6)
    assert interval.for_one_run()[0] == pytest.approx(4 - interval.for_one_run()[1])


@pytest.mark.parametrize("values", [[], [1.0], [1.0, math.nan], [1.0, math.inf]])
def test_one_run_has_no_interval(values):
    with pytest.raises(ValueError, match="expected"):
        t_interval(values)


def test_pairing_takes_out_what_a_seed_does_to_both_arms():
    easy_and_hard = [0.0, 10.0, 20.0, 30.0]
    ahead = [x + 1.0 + luck for x, luck in zip(easy_and_hard, (0.0, 0.1, -0.1, 0.2))]
    assert paired_interval(ahead, easy_and_hard).low > 0
    assert t_interval(ahead).low < t_interval(easy_and_hard).mean, "two separate intervals would have hidden it"
    with pytest.raises(ValueError, match="as many seeds"):
        paired_interval(ahead, easy_and_hard[:-1])


# ---------------------------------------------------------------------------------------------------------------------
# holds, contradicted, undecided

WOBBLE = [0.02, -0.02, 0.0, 0.02, -0.02]
HALF = t_interval(WOBBLE).half


@pytest.mark.parametrize(
    ("mean", "expected"),
    [(1.01, "holds"), (0.99, "undecided"), (0.0, "undecided"), (-0.99, "undecided"), (-1.01, "contradicted")],
)
def test_the_whole_interval_must_lie_on_one_side(word, mean, expected):
    flow = [0.5 + mean * HALF + x for x in WOBBLE]
    assert word(grid(flow=flow, plain=[0.5] * SEEDS)).word == expected
    upside_down = {"holds": "contradicted", "contradicted": "holds"}.get(expected, expected)
    assert word(grid(flow=flow, plain=[0.5] * SEEDS), better="lower").word == upside_down


def test_undecided_says_what_could_have_been_seen(word):
    verdict = word(grid(flow=[0.5 + x for x in WOBBLE], plain=[0.5] * SEEDS))
    assert f"under {100 * HALF:.2g} could not have been seen with 5 seeds" in verdict.detail


def test_the_difference_is_in_the_papers_unit_and_names_its_runs(word):
    verdict = word(grid(flow=[0.60] * SEEDS, plain=[0.45] * SEEDS))
    assert verdict.interval.mean == pytest.approx(15.0)
    assert verdict.runs == tuple(f"toy/{v}-streets-night-{s}" for v in ("flow", "plain") for s in range(SEEDS))


def test_of_several_rivals_the_best_counts_in_each_seed(word):
    rivals = {"plain": [0.50, 0.58, 0.50, 0.50, 0.50], "sum": [0.59, 0.40, 0.40, 0.40, 0.40]}
    verdict = word(grid(flow=[0.6] * SEEDS, **rivals), b=["plain", "sum"])
    assert verdict.interval.mean == pytest.approx((1 + 2 + 10 + 10 + 10) / 5)


def test_a_contradiction_needs_one_rival_that_leads(word):
    """Two rivals that take turns at being lucky are ahead together, and neither is alone."""
    flow = scores(0.60)
    turns = {"plain": [0.70, 0.51, 0.72, 0.50, 0.70], "sum": [0.50, 0.71, 0.50, 0.71, 0.50]}
    verdict = word(grid(flow=flow, **turns), b=["plain", "sum"])
    assert verdict.word == "undecided" and "no single rival" in verdict.detail
    turns["sum"] = scores(0.70)
    assert word(grid(flow=flow, **turns), b=["plain", "sum"]).word == "contradicted"


def test_a_gain_in_one_place_is_compared_with_the_gain_in_another(word):
    records = grid(flow=0.6, plain=0.5)
    for variant, place in (("flow", 0.4), ("plain", 0.35)):
        for name in (variant, f"{variant}_x2"):
            records = changed(records, name, test={"inside": place})
    assert word(records, less="test.inside").interval.mean == pytest.approx(5.0, abs=0.2)


# One network, tested in several ways: its runs hold all arms.


def one_network(moved: float = 0.0, **levels: float) -> dict:
    """Runs of "flow" whose values hold one score for each arm; twice the steps move the arm "both" by `moved`."""
    made = {}
    for key, run in grid(flow=0.0).items():
        luck = 0.001 * key.seed
        values = {name: {"miou": level + luck} for name, level in levels.items()}
        if key.variant == "flow_x2":
            values["both"]["miou"] += moved
        made[key] = run.model_copy(update={"values": values | {"floor": 0.2, "day": {"both": 0.7, "image": 0.65}}})
    return made


ONE = {"of": "flow", "a": "both", "b": "image", "controls": ["mixed"], "metric": "{}.miou"}


def test_arms_can_be_several_one_network(word):
    verdict = word(one_network(both=0.6, image=0.5, mixed=0.5), **ONE)
    assert verdict.sentence == "holds, and not with mixed"
    assert verdict.interval.mean == pytest.approx(10.0)
    assert verdict.runs == tuple(f"toy/flow-streets-night-{seed}" for seed in range(SEEDS)), "each run is named once"
    shared = word(one_network(both=0.6, image=0.5, mixed=0.6), **ONE)
    assert shared.sentence == "holds, but so does mixed"
    less = word(one_network(both=0.6, image=0.5, mixed=0.5), **ONE | {"controls": [], "less": "day.{}"})
    assert less.interval.mean == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("moved", "change", "detail"),
    [
        (0.03, {}, "twice the steps move both by +3.0"),
        (0.0, {"parts": ["ear"]}, "no run says whether its ear lives"),
        (0.0, {"floor": "mixed.miou"}, "image does not clear the blind floor (+0)"),
    ],
)
def test_the_rules_hold_for_one_network(word, moved, change, detail):
    verdict = word(one_network(moved, both=0.6, image=0.5, mixed=0.5), **ONE | change)
    assert (verdict.word, verdict.detail) == ("unfit", detail)


def test_tests_of_one_network_ask_for_its_runs_alone(tmp_path, word):
    asked = [f"{key.variant}-{key.seed}" for key in keys_of(loaded(tmp_path, text(**ONE)).directions[0])]
    assert asked == [f"flow-{seed}" for seed in range(SEEDS)] + [f"flow_x2-{seed}" for seed in range(3)]
    some = {key: run for key, run in one_network(both=0.6, image=0.5).items() if key.seed}
    assert word(some, **ONE).detail == "4 of 5 seeds of flow are there"


# ---------------------------------------------------------------------------------------------------------------------
# Rule 6: the control is part of the verdict


@pytest.mark.parametrize(
    ("control", "sentence"),
    [
        (0.50, "holds, and not with shuffled flow"),
        (0.55, "holds, but so does shuffled flow, by less"),
        (0.60, "holds, but so does shuffled flow"),
        (0.70, "holds, but shuffled flow does better"),
        ([0.40, 0.70, 0.45, 0.70, 0.40], "holds, but shuffled flow cannot be told from it"),
        (None, "holds, control not run (shuffled flow)"),
    ],
)
def test_holds_is_said_with_the_fate_of_its_control(word, control, sentence):
    records = GOOD if control is None else GOOD | grid(shuffled=control)
    verdict = word(records, controls=["shuffled"])
    assert verdict.sentence == sentence
    assert any("shuffled" in run for run in verdict.runs) is (control is not None)


def test_every_control_is_told_of(word):
    sentence = word(WITH_CONTROL, controls=["shuffled", "zeroed"]).sentence
    assert sentence == "holds, and not with shuffled flow; control not run (zeroed)"
    elsewhere = changed(WITH_CONTROL, "shuffled", data_fingerprint="of other scenes")
    assert word(elsewhere, controls=["shuffled"]).sentence == "holds, control not run (shuffled flow)"


def test_holds_is_never_bare_and_other_words_are(word):
    assert word(GOOD).sentence == "holds (no control belongs to it)"
    reverse = grid(flow=0.50, plain=0.60, shuffled=0.4)
    assert word(reverse, controls=["shuffled"]).sentence == "contradicted"
    assert Verdict("undecided").sentence == "undecided"


# ---------------------------------------------------------------------------------------------------------------------
# Rules 1 to 5: what makes a comparison unfit

DEAD = health(varies=0.0)
SHORT = {"steps": 2 * 170}
AWAKENED = {"start": ALIVE | {"varies": 0.0}, "end": ALIVE}
STARTS = {"toy/start": "a"}

# fmt: off
UNFIT = {
    "a dead part": (changed(GOOD, "flow", 2, health=DEAD), "flow path is silent in 1 of 10 runs (flow, seed 2"),
    "a run that does not say": (changed(GOOD, "flow", 1, health={}), "1 of 10 runs do not say whether their flow path"),
    "only its start known": (
        changed(GOOD, "flow", 1, health={"flow path": {"start": ALIVE}}),
        "1 of 10 runs do not say whether their flow path lives",
    ),
    "no run says": (
        changed(changed(GOOD, "flow", health={}), "plain", health={}),
        "no run says whether its flow path lives",
    ),
    "unequal steps": (changed(GOOD, "plain", 1, steps=161), "the arms differ in steps: 160, 161"),
    "unequal tuning": (changed(GOOD, "plain", 1, train={"tuning": "by hand"}), "the arms differ in tuning: by hand"),
    "unequal order": (changed(GOOD, "plain", 1, train={"data_order": "x"}), "the arms differ in data order"),
    "unequal augmentation": (changed(GOOD, "plain", 1, train={"augmentation": "x"}), "the arms differ in augmentation"),
    "unequal precision": (
        changed(changed(GOOD, "plain", 1, machine={"precision": "fp32"}), "plain_x2", 1, machine={"precision": "fp32"}),
        "the arms of seed 1 differ in precision: bf16, fp32",
    ),
    "nobody says how it was trained": (changed(GOOD, "plain", 1, training=None), "does not say how it was trained"),
    "an arm that grows": (grid({"flow": 0.021}, flow=0.60, plain=0.50), "twice the steps move flow by +2.1"),
    "an arm that falls": (grid({"plain": -0.021}, flow=0.60, plain=0.50), "twice the steps move plain by -2.1"),
    "no longer runs": ({k: r for k, r in GOOD.items() if k.variant != "plain_x2"}, "0 of 3 seeds of plain_x2"),
    "longer runs that are not": (changed(GOOD, "plain_x2", 1, **SHORT), "plain do not have twice its 160 steps"),
    "longer runs of unknown length": (changed(GOOD, "plain_x2", 1, training=None), "do not have twice its 160 steps"),
    "longer runs elsewhere": (changed(GOOD, "plain_x2", 1, data_fingerprint="x"), "saw different data"),
    "longer runs in another precision": (
        changed(GOOD, "plain_x2", 1, machine={"precision": "fp32"}),
        "the longer runs of plain differ from its others in precision",
    ),
    "longer runs without a number": (changed(GOOD, "plain_x2", 1, test={"miou": None}), "expected a number at"),
    "less than half is kept": (
        grid({"flow": -0.019, "plain": 0.019}, flow=scores(0.57), plain=scores(0.50)),
        "with twice the steps the difference is +3.2, before it was +7",
    ),
    "one start": (changed(GOOD, "flow", starts=STARTS), "all runs of flow go back to 1 start(s), expected at least 3"),
    "two starts": (
        changed(changed(GOOD, "flow", starts=STARTS), "flow", 0, starts={"toy/start": "b"}),
        "go back to 2 start(s)",
    ),
}


@pytest.mark.parametrize("kind", UNFIT)
def test_a_comparison_is_unfit_for_one_reason_that_is_named(word, kind):
    records, reason = UNFIT[kind]
    verdict = word(records)
    assert verdict.word == verdict.sentence == "unfit" and reason in verdict.detail, verdict.detail
    assert verdict.detail.count(";") == 0, f"more than one reason: {verdict.detail}"
    assert verdict.interval is not None, "what was measured is shown all the same"


FIT = {
    "all is well": GOOD,
    "a part that barely lives": changed(GOOD, "flow", health=health(varies=0.02)),
    "a rival without the part": changed(GOOD, "plain", health={}),
    "a dead start that came alive": changed(GOOD, "flow", health=health() | {"flow path": AWAKENED}),
    "a part that is not judged": changed(GOOD, "flow", health=health() | {"other": {"end": ALIVE | {"varies": 0.0}}}),
    "an arm that still moves a little": grid({"flow": 0.019, "plain": -0.019}, flow=0.60, plain=0.50),
    "just half is kept": grid({"flow": -0.019, "plain": 0.019}, flow=scores(0.577), plain=scores(0.50)),
    "another machine": changed(GOOD, "plain", machine={"cpu": "Toy 1", "instructions": "AVX2", "threads": 2}),
    "a seed in another precision": changed(
        changed(GOOD, "plain", 7, machine={"precision": "fp32"}), "flow", 7, machine={"precision": "fp32"}
    ),
    "others' weights": changed(GOOD, "flow", starts={"outside/mobilenet_v2": "m"}),
    "a start for each seed": GOOD
    | {k: record("flow", k.seed, r.values["test"]["miou"], starts={"toy/start": f"{k.seed % 3}"})
       for k, r in GOOD.items() if k.variant == "flow"},
}
# fmt: on


@pytest.mark.parametrize("kind", FIT)
def test_on_the_other_side_of_each_boundary_it_is_judged(word, kind):
    verdict = word(FIT[kind])
    assert (verdict.word, verdict.detail) == ("holds", "")


def test_what_twice_the_steps_do_is_asked_of_controls_too(word):
    moved = GOOD | grid({"shuffled": 0.021}, shuffled=0.50)
    assert "move shuffled by +2.1" in word(moved, controls=["shuffled"]).detail
    assert word(moved, controls=["shuffled"], tolerance=2.2).word == "holds"
    without = {key: one for key, one in WITH_CONTROL.items() if key.variant != "shuffled_x2"}
    assert word(without, controls=["shuffled"]).detail == "0 of 3 seeds of shuffled_x2 are there"
    assert word(WITH_CONTROL, controls=["shuffled"]).word == "holds"


def test_a_control_may_be_silent_and_on_the_floor(word):
    """With its sense zeroed, a network has nothing to say: that is what the control is for."""
    blind = changed(GOOD | grid(shuffled=0.20), "shuffled", health=DEAD)
    assert word(blind, controls=["shuffled"], floor="test.floor").word == "holds"


def test_a_difference_that_the_first_seeds_do_not_show_cannot_be_kept(word):
    """Over all five seeds A is ahead, in the three that are trained twice as long it is behind, and falls further."""
    flow = [0.499, 0.499, 0.499, 0.52, 0.52]
    records = grid({"flow": -0.01}, flow=flow, plain=[0.5] * SEEDS)
    assert word(records).word == "undecided", "where no sign was seen, more steps cannot take it away"
    first = {key: one for key, one in records.items() if key.seed < 3}
    more = [record(v, s, x) for s in range(3, 20) for v, x in (("flow", 0.52 + s / 1e4), ("plain", 0.5))]
    verdict = word(first | {one.key: one for one in more}, seeds=20)
    assert verdict.interval.low > 0 and verdict.word == "unfit"
    assert "the difference is -1.1, before it was -0.1" in verdict.detail


def test_what_is_not_trained_needs_no_training_and_no_longer_runs(word):
    bare = {key: one for key, one in GOOD.items() if not key.variant.endswith("_x2")}
    bare = changed(changed(bare, "flow", training=None, health={}), "plain", training=None, health={})
    assert word(bare, trained=False, parts=[]).word == "holds"
    assert word(bare, parts=[]).word == "unfit"


def test_a_trained_run_must_say_that_it_lives(word):
    without = changed(GOOD, "flow", 3, health={})
    assert word(without, parts=[]).detail == "its runs do not say whether their parts live"
    assert word(GOOD, parts=[]).word == "holds"


@pytest.mark.parametrize(("level", "expected"), [(0.2005, "holds"), (0.1995, "unfit")])
def test_every_arm_must_clear_the_blind_floor(word, level, expected):
    """The floor of these records is 0.2. Both arms are above it in the mean, one not beyond doubt."""
    verdict = word(grid(flow=0.60, plain=level), floor="test.floor")
    assert verdict.word == expected
    assert ("plain does not clear the blind floor" in verdict.detail) is (expected == "unfit")
    assert word(grid(flow=0.60, plain=level)).word == "holds", "without a floor nobody asks"


def test_where_lower_is_better_the_floor_is_above(word):
    records = grid(flow=0.10, plain=0.15)
    assert word(records, floor="test.floor", better="lower").word == "holds"
    assert word(grid(flow=0.10, plain=0.25), floor="test.floor", better="lower").word == "unfit"
    assert "expected a number at 'test.nothing'" in word(records, floor="test.nothing", better="lower").detail


@pytest.mark.parametrize(("hidden", "expected"), [(0.30, "holds"), (0.6005, "unfit"), (0.70, "unfit")])
def test_where_only_the_sense_can_tell_the_system_must_win(word, hidden, expected):
    """`sum` stands for what sees nothing there. The positive control is judged first, wherever it stands."""
    only = text(id="only_flow_can_tell", b="sum", cells=[], statement="Only flow.")["directions"]
    records = GOOD | grid(sum=[hidden + x for x in WOBBLE])
    verdict = word(records, more=only, positive="only_flow_can_tell")
    assert verdict.word == expected
    if expected == "unfit":
        other = word(records, more=only, which="toy.only_flow_can_tell").word
        assert verdict.detail == f"the positive control is {other} (Only flow.)" and other != "holds"


# ---------------------------------------------------------------------------------------------------------------------
# What is not judged at all


def test_missing_runs_are_not_attempted_and_the_command_stands_there(word):
    verdict = word({key: one for key, one in GOOD.items() if (key.variant, key.seed) != ("flow", 1)})
    assert (verdict.word, verdict.detail) == ("not attempted", "4 of 5 seeds of flow are there")
    assert verdict.command == "make reproduce CHAPTER=01_toy PRESET=night DATA=streets"
    assert word({}).detail == "not run yet"
    verdict = word({}, reason="needs the streets", command="make streets")
    assert (verdict.detail, verdict.command) == ("needs the streets", "make streets")


def test_seeds_are_fixed_beforehand(word):
    """A sixth seed, however bad, is not part of the claim; runs of other data or presets do not fill a gap."""
    bad = record("flow", SEEDS, 0.0)
    assert word(GOOD | {bad.key: bad}).interval.n == SEEDS
    gap = {key: one for key, one in GOOD.items() if key.variant != "flow" or key.seed}
    for change in ({"data": "fields"}, {"preset": "gpu"}):
        other = record("flow", 0, 0.6, **change)
        assert word(gap | {other.key: other}).word == "not attempted"


def test_runs_that_cannot_be_compared_say_why(word):
    assert "fingerprints differ" in word(changed(GOOD, "plain", 0, data_fingerprint="g")).detail
    for bad in (None, "0.5", True):
        assert "expected a number at 'test.miou'" in word(changed(GOOD, "flow", 0, test={"miou": bad})).detail


def test_second_hand_and_remeasured_rows_get_no_verdict(word):
    assert word(GOOD, grade="L").word == "unverified source"
    verdict = word(GOOD, top={"remeasured": "its nets were dead"})
    assert (verdict.word, verdict.detail) == ("not attempted", "its nets were dead")
    value = word(GOOD, top={"remeasured": "its nets were dead"}, which="toy.t1.ours.miou")
    assert (value.word, value.detail) == ("not attempted", "its nets were dead")


def test_which_runs_a_row_asks_for(tmp_path):
    paper = loaded(tmp_path, text(controls=["shuffled"]))
    row = paper.directions[0]
    asked = [f"{key.variant}-{key.seed}" for key in keys_of(row)]
    assert asked[:4] == ["flow-0", "plain-0", "shuffled-0", "flow-1"] and len(asked) == 3 * (SEEDS + 3)
    assert asked[15:] == [f"{v}_x2-{s}" for s in range(3) for v in ("flow", "plain", "shuffled")]
    assert len(keys_of(row.model_copy(update={"trained": False}))) == 3 * SEEDS
    assert keys_of(row.model_copy(update={"grade": "L"})) == [], "what can never be judged is not run"
    assert [len(keys_of(cell)) for cell in paper.cells] == [0, SEEDS], "context is not run"


# ---------------------------------------------------------------------------------------------------------------------
# Rule 8: values


@pytest.mark.parametrize(
    ("printed", "low", "high", "expected"),
    [
        ("52.1", 52.15, 53.0, "agrees"),  # half a digit: the printed number may have been rounded down to 52.1
        ("52.1", 52.151, 53.0, "differs"),
        ("52.1", 51.0, 52.05, "agrees"),
        ("52.1", 51.0, 52.049, "differs"),
        ("52.10", 52.11, 53.0, "differs"),
        ("52", 52.5, 53.0, "agrees"),
    ],
)
def test_a_value_agrees_up_to_half_its_last_digit(printed, low, high, expected):
    one_run = Interval((low + high) / 2, low, high, 1)
    assert value_verdict(printed, one_run).word == expected


@pytest.mark.parametrize(("ours", "expected"), [(4414.9, "agrees"), (4446.0, "differs"), (4357.0, "differs")])
def test_without_seeds_a_value_may_be_off_by_a_share(ours, expected):
    one_run = Interval(ours, ours, ours, 1)
    assert value_verdict("4401.71", one_run, within=0.01).word == expected
    assert value_verdict("4401.71", one_run).word == "differs"


@pytest.mark.parametrize(("seeds", "expected"), [(1, "agrees"), (5, "differs")])
def test_only_a_number_without_seeds_has_a_margin(word, seeds, expected):
    tables = text()["tables"]
    tables[0]["rows"][1]["measure"]["seeds"] = seeds
    tables[0]["rows"][1]["within"] = 0.05
    records = grid(flow=0.54 if seeds > 1 else [0.54])
    assert word(records, top={"tables": tables}, which="toy.t1.ours.miou").word == expected


@pytest.mark.parametrize(("sigmas", "expected"), [(2.9, "agrees"), (3.1, "differs")])
def test_the_papers_value_is_one_more_run_and_not_the_mean_of_many(sigmas, expected):
    # Five runs with s = 1: t(4) = 2.776; one more run lies within 2.776 sqrt(1 + 1/5) = 3.04, the mean within 1.24.
    ours = Interval(50.0, 50 - 2.776 / math.sqrt(5), 50 + 2.776 / math.sqrt(5), 5, spread=1.0)
    verdict = value_verdict(f"{50 + sigmas:.4f}", ours)
    assert verdict.word == expected and verdict.gap == pytest.approx(-sigmas)


def test_a_value_is_judged_from_its_records(word):
    which = "toy.t1.ours.miou"
    assert word(grid(flow=0.52), which=which).word == "agrees"
    verdict = word(grid(flow=0.60), which=which)
    assert verdict.word == "differs" and verdict.interval.mean == pytest.approx(60.15, abs=0.1)


def test_what_has_no_luck_in_it_is_run_once(word):
    tables = text()["tables"]
    tables[0]["rows"][1]["measure"]["seeds"] = 1
    verdict = word(grid(flow=[0.521]), top={"tables": tables}, which="toy.t1.ours.miou")
    assert (verdict.word, verdict.interval.n, verdict.interval.half) == ("agrees", 1, 0.0)


PROTOCOL = {
    "another data set": ({"data": "fields"}, {}, "our test data are streets, the paper's fields"),
    "another split": ({"split": "test"}, {}, "our split is val, the paper's test"),
    "a split that nobody noted": ({}, {"test": {"split": None}}, "a record of ours names no split"),
    "another convention": ({}, {"test": {"convention": "per image"}}, "all classes, per image, the paper's mean"),
    "a missing cell": ({"cells": [None]}, {}, "the paper's cell is missing"),
    "withheld": ({"withheld": "the scan is torn"}, {}, "the scan is torn"),
    "different scenes": ({}, {"data_fingerprint": "g"}, "fingerprints differ"),
    "second hand": ({"grade": "L"}, {}, "known at second hand only"),
    "no runs of ours": ({"measure": None, "reason": "needs Cityscapes"}, {}, "needs Cityscapes"),
}


@pytest.mark.parametrize("kind", PROTOCOL)
def test_a_value_is_judged_only_on_the_papers_terms(word, kind):
    row, change, detail = PROTOCOL[kind]
    tables = text()["tables"]
    tables[0]["rows"][1] |= row
    records = changed(grid(flow=0.521), "flow", 0, **change) if change else grid(flow=0.521)
    verdict = word(records, top={"tables": tables}, which="toy.t1.ours.miou")
    assert verdict.word == ("unverified source" if kind == "second hand" else "not attempted")
    assert detail in verdict.detail and verdict.command


def test_context_is_never_judged(tmp_path):
    assert "toy.t1.other.miou" not in {one.row.id for one in judge(loaded(tmp_path, text()), GOOD)}


# ---------------------------------------------------------------------------------------------------------------------
# Rule 7: many claims

# Benjamini and Hochberg (1995), section 3.2: fifteen p-values, of which the four smallest are kept at q = 0.05.
PAPER_P = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528,
           0.7590, 1.0000]  # fmt: skip


def test_the_worked_example_of_benjamini_and_hochberg():
    kept = benjamini_hochberg({str(p): p for p in PAPER_P})
    assert kept == {"0.0001", "0.0004", "0.0019", "0.0095"}
    assert benjamini_hochberg({}) == set()


@pytest.mark.parametrize("many", [1, 2, 7, 40])
def test_what_survives_agrees_with_scipy(many):
    for draw in range(20):
        p = stats.beta(0.3, 2).rvs(many, random_state=draw)
        adjusted = stats.false_discovery_control(p)
        assert benjamini_hochberg({str(i): x for i, x in enumerate(p)}) == {
            str(i) for i, x in enumerate(adjusted) if x <= 0.05
        }


def test_the_correction_counts_the_claims_of_the_whole_book(tmp_path, monkeypatch):
    """A claim at p = 0.03 survives alone; beside five that show nothing it does not. What is unfit does not count."""
    flow = [0.53 + x for x in WOBBLE]
    assert t_interval([x - 0.5 for x in flow]).p == pytest.approx(0.029, abs=2e-3)
    content = text(cells=[])
    records = grid(flow=flow, plain=[0.5] * SEEDS, sum=[0.5 - x for x in WOBBLE])
    monkeypatch.setattr("mmlib.results.evidence.read_records", lambda *_: records)

    def survives(*more):
        content["directions"] = content["directions"][:1] + [text(cells=[], **one)["directions"][0] for one in more]
        loaded(tmp_path, content)
        return {one.row.id: one.verdict.survives for one in judge_book(tmp_path)["toy"]}

    assert survives()["toy.flow_helps"] is True
    nothing = [{"id": f"nothing_{i}", "a": "sum", "b": "plain"} for i in range(5)]
    seen = survives(*nothing)
    assert seen["toy.flow_helps"] is False and seen["toy.nothing_0"] is False
    unfit = [one | {"floor": "test.floor", "metric": "test.floor"} for one in nothing]
    seen = survives(*unfit)
    assert seen["toy.flow_helps"] is True and seen["toy.nothing_0"] is None
