"""Plans: which runs a row asks for, which replays come along, and how a person names a chapter."""

import os
from dataclasses import replace

import pytest
from claims_toy import by_key, record, trained_pair

from mmlib.claims import Key, load, names
from mmlib.nightly import planning, running
from mmlib.nightly.assessing import Outcome, entry_of
from mmlib.nightly.planning import Plan, chosen, keys_of, parse, replay_of, wanted
from mmlib.nightly.report import problems, summary


def runs(keys) -> list[str]:
    """Keys as short names."""
    return [f"{key.variant}-{key.seed}" for key in keys]


def test_a_trained_direction_asks_for_its_arms_and_one_longer_run_of_each():
    row = load("flow2seg").direction("pyramid_pooling_helps")
    assert runs(keys_of(row)) == [
        "pspnet-0",
        "pspnet-1",
        "pspnet-2",
        "fcn-0",
        "fcn-1",
        "fcn-2",
        "pspnet_x2-0",
        "fcn_x2-0",
    ]
    assert runs(keys_of(replace(row, trained=False))) == runs(keys_of(row))[:-2]
    assert not keys_of(replace(row, grade="L")), "what can never be judged is not run"


def test_several_rivals_and_controls_are_runs_too():
    paper = load("flow2seg")
    both = keys_of(paper.direction("residual_beats_sum_and_concatenation"))
    assert {key.variant for key in both if key.seed == 9} == {"residual", "fused_by_sum", "fused_by_concatenation"}
    assert {key.variant for key in keys_of(paper.direction("flow_helps.flow_zeroed"))} >= {"residual", "flow_zeroed"}


def test_values_ask_for_runs_only_where_they_can_be_measured():
    tsjnet = load("tsjnet")
    assert runs(keys_of(tsjnet.cell("roadscene.tsjnet.ssim"))) == ["tsjnet-0", "tsjnet-1", "tsjnet-2"]
    assert not keys_of(tsjnet.cell("roadscene.cddfuse.ssim")), "others' methods are not run"
    assert not keys_of(tsjnet.cell("m3fd.tsjnet.ssim"))


def test_each_run_is_planned_once_and_headlines_come_first():
    keys = wanted(load("flow2seg"))
    assert len(keys) == len(set(keys))
    assert keys[0] == Key("flow2seg", "residual", "ministreet", "laptop", 0)
    assert runs(keys).index("pspnet-9") < runs(keys).index("fcn-0")


def test_names_of_runs_go_both_ways():
    for key in (Key("toy", "flow_x2", "msrs-jpeg92", "gpu", 12), Key("a", "b", "c", "smoke", 0)):
        assert parse(str(key)) == key
    for name in (
        "toy/a-b-laptop-x",
        "a-b-laptop-0",
        "../../etc/a-b-laptop-0",
        "toy/a b-c-laptop-0",
        "toy/a-b-laptop-0\n",
    ):
        with pytest.raises(ValueError, match="expected a run such as"):
            parse(name)


def test_a_longer_run_shares_its_variants_replay():
    assert replay_of(Key("toy", "flow_x2", "d", "laptop", 3)) == Key("toy", "flow", "d", "smoke", 0)


@pytest.mark.parametrize("name", ["7", "07", "segmif", "07_segmif", "nbs/07_segmif.ipynb"])
def test_a_chapter_by_any_name(name):
    assert [paper.key for paper in chosen(name)] == ["segmif"]


def test_all_chapters_or_none():
    assert [paper.key for paper in chosen()] == names()
    with pytest.raises(FileNotFoundError, match="expected one of the chapters with claims .*07_segmif"):
        chosen("42")


def test_synthetic_streets_are_always_at_hand_and_unknown_sets_never():
    assert planning.at_hand("ministreet")
    assert not planning.at_hand("cityscapes") and not planning.at_hand("gta5_cityscapes")


def test_plans_are_read_as_they_were_written(tmp_path):
    assert planning.read_plan(tmp_path) == Plan()
    plan = Plan({"toy/a-b-laptop-0": "code"}, {"left": "SyntaxError"}, {"x": "current"}, {"y": "no data"})
    planning.write_plan(plan, tmp_path)
    assert planning.read_plan(tmp_path) == plan
    marker = planning.marker("toy/a-b-laptop-0", tmp_path)
    marker.parent.mkdir(parents=True)
    marker.write_text("code\n")
    assert planning.is_done("toy/a-b-laptop-0", "code", tmp_path)
    assert not planning.is_done("toy/a-b-laptop-0", "other code", tmp_path), "made by other code is not done"


@pytest.mark.parametrize("gpus", [0, 1, 3])
def test_runs_are_spread_over_devices_and_stay_there(monkeypatch, gpus):
    listed = "".join(f"GPU {i}: model\n" for i in range(gpus))
    monkeypatch.setattr(running.shutil, "which", lambda name: "found" if gpus else None)
    monkeypatch.setattr(running.subprocess, "run", lambda *a, **k: type("Done", (), {"stdout": listed})())
    given = []
    for seed in [*range(40), 0]:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        running.share_device(f"toy/a-b-laptop-{seed}")
        given.append(os.environ.get("CUDA_VISIBLE_DEVICES"))
    assert set(given) == ({"0", "1", "2"} if gpus == 3 else {None})
    assert given[0] == given[-1]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "7")
    running.share_device("toy/a-b-laptop-0")
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "7", "a scheduler's choice is left alone"


def night(**more) -> Outcome:
    """An outcome with the toy's runs, all made."""
    made = by_key(*trained_pair(), record("flow", 0, 0.1, preset="smoke"), record("other", 0, 0.1, preset="smoke"))
    keys = [key for key in made if key.preset == "laptop"]
    entry = {"word": "holds", "mean": 1.0}
    return Outcome(made=made, entries={"toy.a": entry}, runs_of={"toy.a": keys}, **more)


def test_published_are_the_runs_of_good_claims_with_their_replays():
    names = list(map(str, night().publishable()))
    assert len(names) == 9 and names[-1] == "toy/flow-streets-smoke-0"
    small = night()
    small.runs_of["toy.a"] = [key for key in small.made if key.preset == "smoke" and key.variant == "flow"]
    assert len(small.publishable()) == 1, "a small run that a claim asks for is its own replay"


def test_a_run_of_a_drifted_claim_waits_though_it_serves_a_good_one():
    shared = Key("toy", "flow", "streets", "laptop", 0)
    outcome = night(drifted={"toy.b": "moved"})
    outcome.runs_of["toy.b"] = [shared]
    assert shared not in outcome.publishable() and len(outcome.publishable()) == 8
    assert not outcome.well and night().well


@pytest.mark.parametrize("kind", ["failed", "drifted", "unjudged"])
def test_a_night_is_bad_for_each_kind_of_trouble_and_says_so(kind):
    outcome = Outcome(**{kind: {"toy.a": "the reason"}})
    assert not outcome.well
    assert any("toy.a: the reason" in line for line in problems(outcome))
    assert "the reason" in summary(Plan(), outcome, [])


def test_no_interval_no_entry():
    from mmlib.claims import Judged, Verdict

    row = load("flow2seg").directions[0]
    assert entry_of(Judged(row, Verdict("not attempted"), {})) is None
