"""Records grow stale for a reason, and only a replay that gives the stored losses brings them back."""

import json

import pytest
from claims_toy import record

from mmlib.runs import states
from mmlib.runs.states import add_certificate, certify, read_certificates, state

PINS = {"torch": {"2.15.0"}, "numpy": {"2.4.6", "2.5.5"}}
NOW = "d" * 64


def smoke(code="c" * 64, torch="2.15.0", **change) -> dict:
    """The run that is replayed."""
    return record("flow", 0, 0.1, preset="smoke", code_fingerprint=code, versions={"torch": torch}, **change)


def test_current_while_nothing_changed():
    assert state(record("flow", 0, 0.5), code="c" * 64, allowed=PINS).word == "current"


def test_other_code_or_versions_make_it_stale_and_say_which():
    by_code = state(record("flow", 0, 0.5), code=NOW, allowed=PINS)
    assert by_code.word == "stale" and "0123456789" in by_code.reason and by_code.reason.endswith("code")
    old = record("flow", 0, 0.5, versions={"torch": "2.14.0"})
    assert state(old, code="c" * 64, allowed=PINS) == states.State("stale", "changed since 0123456789: torch 2.14.0")


@pytest.mark.parametrize(
    "versions", [{"torch": "2.15.0+cu132"}, {"numpy": "2.5.5"}, {"numpy": "2.4.6"}, {"python": "3"}]
)
def test_versions_that_the_pins_allow_are_no_change(versions):
    assert state(record("flow", 0, 0.5, versions=versions), code="c" * 64, allowed=PINS).word == "current"


def test_a_replay_that_agrees_re_certifies():
    paper = certify(smoke(), smoke(NOW))
    seen = state(record("flow", 3, 0.5), code=NOW, allowed=PINS, certificates=[paper])
    assert seen.word == "re-certified" and "replay" in seen.reason
    longer = record("flow_x2", 0, 0.5)
    assert state(longer, code=NOW, allowed=PINS, certificates=[paper]).word == "re-certified"


def test_a_replay_that_measures_otherwise_is_refused():
    """The training is the same, the metric is not: the losses alone would not show it."""
    for score, same in ((0.1, True), (0.1005, True), (0.11, False), (-0.1, False)):
        again = smoke(NOW) | {"values": smoke()["values"] | {"test": {"miou": score}}}
        stored = smoke() | {"values": smoke()["values"] | {"test": {"miou": 0.1}}}
        if same:
            certify(stored, again)
        else:
            with pytest.raises(ValueError, match=r"test\.miou is .* and not 0\.1; next"):
                certify(stored, again)
    with pytest.raises(ValueError, match=r"lacks test\.miou"):
        certify(stored, smoke(NOW) | {"values": {k: v for k, v in smoke()["values"].items() if k != "test"}})
    clocks = [smoke() | {"values": smoke()["values"] | {"speed": {"s": s}, "time": {"ms": s}}} for s in (1.0, 2.0)]
    certify(*clocks)


def test_a_certificate_is_for_one_run_from_one_state_to_another():
    paper = certify(smoke(), smoke(NOW))
    for made in (record("plain", 0, 0.5), record("flow", 0, 0.5, data="fields")):
        assert state(made, code=NOW, allowed=PINS, certificates=[paper]).word == "stale"
    assert state(record("flow", 0, 0.5), code="e" * 64, allowed=PINS, certificates=[paper]).word == "stale"
    older = record("flow", 0, 0.5, code_fingerprint="b" * 64)
    assert state(older, code=NOW, allowed=PINS, certificates=[paper]).word == "stale"
    newer_pins = PINS | {"torch": {"2.16.0"}}
    assert state(record("flow", 0, 0.5), code=NOW, allowed=newer_pins, certificates=[paper]).word == "stale"
    replayed = certify(smoke(), smoke(NOW, torch="2.16.0"))
    assert state(record("flow", 0, 0.5), code=NOW, allowed=newer_pins, certificates=[replayed]).word == "re-certified"


def losses(factor: float) -> list[float]:
    """Losses of 32 steps, the last of the first twenty changed by a factor."""
    return [2.0] * 19 + [2.0 * factor] + [1.0] * 12


@pytest.mark.parametrize(("factor", "agrees"), [(1.0009, True), (1.0011, False), (0.9991, True), (0.9989, False)])
def test_losses_agree_up_to_a_tenth_of_a_percent(factor, agrees):
    stored, again = smoke(losses=losses(1.0)), smoke(NOW, losses=losses(factor))
    if agrees:
        assert certify(stored, again)["difference"] == pytest.approx(9e-4, rel=2e-3)
    else:
        with pytest.raises(ValueError, match="first losses differ"):
            certify(stored, again)


@pytest.mark.parametrize("name", ["variant", "data", "data_fingerprint", "preset", "seed"])
def test_only_the_same_run_is_a_replay(name):
    with pytest.raises(ValueError, match=f"a replay with {name}"):
        certify(smoke(), smoke(NOW) | {name: "other"})


def test_without_losses_there_is_no_certificate():
    bare = smoke()
    del bare["values"]["training"]
    with pytest.raises(ValueError, match="expected finite first losses"):
        certify(bare, bare)
    nan = smoke(NOW)
    nan["values"]["training"]["first_losses"][3] = float("nan")
    with pytest.raises(ValueError, match="expected finite first losses"):
        certify(smoke(), nan)


def test_certificates_are_kept_and_damaged_ones_refused(tmp_path):
    assert read_certificates("toy", tmp_path) == []
    paper = certify(smoke(), smoke(NOW))
    add_certificate("toy", paper, tmp_path)
    add_certificate("toy", paper, tmp_path)
    assert read_certificates("toy", tmp_path) == [paper, paper]
    path = states.certificate_file("toy", tmp_path)
    good = path.read_text()
    for bad in ("{}", "[", json.dumps(paper | {"was": "c"}), json.dumps(paper | {"difference": float("nan")})):
        path.write_text(good + bad + "\n")
        with pytest.raises(ValueError, match="toy.jsonl:3: expected a certificate"):
            read_certificates("toy", tmp_path)


def test_the_pins_are_read(tmp_path):
    path = tmp_path / "constraints.txt"
    path.write_text(
        "# pins\ntorch==2.15.0\nNumPy==2.4.6 ; python_full_version < '3.12'\nnumpy==2.5.5 ; python >= '3.12'\n"
    )
    assert states.pinned_versions(path) == PINS
    assert "torch" in states.pinned_versions()
