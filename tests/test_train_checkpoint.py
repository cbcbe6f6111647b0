"""Checkpoints from strangers: truncated, damaged, of another run, or made to harm. Each is refused with a reason."""

import json
import os
import pickle
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from mmlib.files import read_sealed, write_sealed
from mmlib.train import Batches, refuse_others, train, warmup

sys.path.insert(0, str(Path(__file__).parent))
from train_toy import STEPS, net_and_batches, numbers, run

NAME = "checkpoint.safetensors"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with the checkpoint of a whole run."""
    folder = tmp_path_factory.mktemp("run")
    run(folder)
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    """A copy of that folder to spoil."""
    (tmp_path / NAME).write_bytes((finished / NAME).read_bytes())
    return tmp_path


def test_a_finished_run_is_taken_up_without_a_step(finished):
    log, net = run(finished)
    assert log.samples == 0 and log.speed() == 0 and numbers(log, net) == numbers(*run())


def test_a_longer_run_goes_on_from_a_shorter_one(tmp_path):
    options = {"schedule": warmup(3), "health": {}, "evaluate_every": 4}
    run(tmp_path, **options)
    log, net = run(tmp_path, steps=2 * STEPS, **options)
    assert log.samples == 8 * STEPS, "only the second half was trained"
    assert numbers(log, net) == numbers(*run(steps=2 * STEPS, **options))
    with pytest.raises(ValueError, match="next: use another folder"):
        run(tmp_path, steps=STEPS, **options)


def test_a_longer_run_does_not_go_on_from_one_with_other_rates(finished, copy):
    with pytest.raises(ValueError, match="expected settings.steps: 24, got 12"):
        run(copy, steps=2 * STEPS)
    run(copy)


def test_there_is_no_pickle_in_it_and_its_facts_can_be_read(finished):
    content = (finished / NAME).read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])["__metadata__"]
    facts = json.loads(header["facts"])
    assert facts["settings"]["steps"] == STEPS and len(header["seal"]) == 64
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(content)


class Harm:
    """What a pickle in disguise would do: run a command when it is read."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return Path.touch, (self.trace,)


def test_a_pickle_in_disguise_is_refused_and_does_not_run(copy):
    trace = copy / "harm"
    for protocol in (0, 4):
        (copy / NAME).write_bytes(pickle.dumps(Harm(trace), protocol))
        with pytest.raises(ValueError, match="expected a whole, sealed safetensors file"):
            run(copy)
    torch.save({"net": Harm(trace)}, copy / NAME)
    with pytest.raises(ValueError, match="expected a whole, sealed safetensors file"):
        run(copy)
    assert not trace.exists()
    pickle.loads(pickle.dumps(Harm(trace)))
    assert trace.exists(), "the bait works where pickles are trusted"


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.9, 0.9999])
def test_truncated_anywhere_is_refused(copy, share):
    content = (copy / NAME).read_bytes()
    (copy / NAME).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match="next: delete it"):
        run(copy)


@pytest.mark.parametrize("place", [0, 9, 0.2, 0.5, 0.8, -1])
def test_one_flipped_bit_anywhere_is_refused(copy, place):
    content = bytearray((copy / NAME).read_bytes())
    at = int(place * len(content)) if isinstance(place, float) else place
    content[at] ^= 16
    (copy / NAME).write_bytes(content)
    with pytest.raises(ValueError, match="expected a whole, sealed safetensors file"):
        run(copy)


def forged(change):
    """A spoiled checkpoint that carries a right seal: `change(facts, tensors)` was done by somebody who knows how."""

    def spoil(path):
        facts, tensors = read_sealed(path)
        change(facts, tensors)
        write_sealed(path, tensors, facts)

    return spoil


FORGERIES = {
    "a weight is missing": (lambda f, t: t.pop("net.0.weight"), "net.0.weight.*got nothing"),
    "the averaged net is missing": (lambda f, t: [t.pop(k) for k in [*t] if k[:4] == "aver"], "averaged.*got nothing"),
    "a moment is missing": (lambda f, t: t.pop("1.exp_avg_sq"), "1.exp_avg_sq.*got nothing"),
    "a tensor too many": (lambda f, t: t.update(extra=torch.ones(2)), "extra: nothing"),
    "another shape": (lambda f, t: t.update({"net.4.bias": torch.ones(5)}), r"\[4\], got torch.float32 \[5\]"),
    "a scalar for a picture": (lambda f, t: t.update({"0.exp_avg": torch.tensor(1.0)}), r"0.exp_avg.*float32 \[\]"),
    "another type": (lambda f, t: t.update({"net.4.bias": torch.ones(4).half()}), "got torch.float16"),
    "the losses are missing": (lambda f, t: t.pop("log.loss"), "log.loss"),
    "too few numbers of a term": (lambda f, t: t.update({"log.term ce": torch.ones(3).double()}), "log.term ce"),
    "losses in two rows": (lambda f, t: t.update({"log.loss": t["log.loss"].view(2, -1)}), "log.loss"),
    "more losses than steps": (
        lambda f, t: t.update({k: torch.ones(99).double() for k in t if k[:4] == "log."}),
        r"log.loss: torch.float64 \[12\], got torch.float64 \[99\]",
    ),
    "settings of another run": (lambda f, t: f["settings"].update(seed=1), "settings.seed: 0, got 1"),
    "no settings": (lambda f, t: f.pop("settings"), "settings.steps: 12, got nothing"),
    "no evaluations": (lambda f, t: f.pop("evaluations"), "evaluations"),
    "evaluations that are a word": (lambda f, t: f.update(evaluations="none"), "evaluations"),
    "evaluations that are a number": (lambda f, t: f.update(evaluations=3), "evaluations"),
    "a fact too many": (lambda f, t: f.update(run_this="rm"), "run_this: nothing, got rm"),
    "a bare header": (lambda f, t: (f.clear(), t.clear()), "expected"),
    "NaN in a weight": (lambda f, t: t["net.0.weight"].view(-1)[3].fill_(torch.nan), "NaN or infinity in net.0.weight"),
    "infinity in a moment": (lambda f, t: t["0.exp_avg"].view(-1)[0].fill_(torch.inf), "NaN or infinity in 0.exp_avg"),
    "NaN among the losses": (lambda f, t: t["log.loss"][2].fill_(torch.nan), "NaN or infinity in log.loss"),
}


@pytest.mark.parametrize("what", FORGERIES)
def test_a_forgery_is_refused_with_a_reason_and_changes_no_weight_to_its_own(copy, what):
    change, reason = FORGERIES[what]
    forged(change)(copy / NAME)
    with pytest.raises(ValueError, match=f"(?s){reason}") as caught:
        run(copy)
    assert str(copy / NAME) in str(caught.value) and "next:" in str(caught.value)


def test_a_run_with_other_settings_is_not_taken_up(finished):
    net, batches = net_and_batches(0.2)

    def step(batch):
        return {"ce": net(batch["rgb"]).square().mean()}

    with pytest.raises(ValueError, match="expected settings.clip: None, got 1.0.*next: use another folder"):
        train(step, net, batches, steps=STEPS, device="cpu", checkpoint=finished, precision="fp32")


def test_a_run_on_other_batches_is_not_taken_up(tmp_path):
    net, batches = net_and_batches(0.0)

    def step(batch):
        return {"ce": net(batch["rgb"]).square().mean()}

    train(step, net, batches, steps=2, device="cpu", checkpoint=tmp_path)
    with pytest.raises(ValueError, match="24 samples in batches of 4, seed 1, got 24 samples in batches of 8, seed 1"):
        train(step, net, Batches(batches.source, 4, seed=1), steps=2, device="cpu", checkpoint=tmp_path)


def test_a_checkpoint_with_nan_is_never_written(tmp_path):
    net = nn.Linear(2, 2)
    batches = lambda number, part, parts: {"x": torch.ones(4, 2)}  # noqa: E731

    def spoil(net):
        with torch.no_grad():
            net.bias[0] = torch.nan
        return {}

    with pytest.raises(ArithmeticError, match="'net.bias': nan"):
        train(lambda b: {"l": net(b["x"]).mean()}, net, batches, steps=4, device="cpu", checkpoint=tmp_path,
              evaluate=spoil)  # fmt: skip
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [
    lambda p: torch.optim.SGD(p, 0.1), lambda p: torch.optim.SGD(p, 0.1, momentum=0.9),
    lambda p: torch.optim.Adam(p, 0.01, amsgrad=True), lambda p: torch.optim.NAdam(p, 0.01),
    lambda p: torch.optim.RMSprop(p, 0.01, centered=True), lambda p: torch.optim.Adagrad(p, 0.1),
])  # fmt: skip
def test_every_optimiser_resumes_exactly(tmp_path, make):
    def go(folder=None, stop=None):
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Conv2d(4, 2, 1))
        net[2].bias.requires_grad_(False)
        unused = net.register_parameter("unused", nn.Parameter(torch.ones(3)))
        assert unused is None
        _, batches = net_and_batches(0)
        train(lambda b: {"l": net(b["rgb"]).square().mean()}, net, batches, steps=6, optimizer=make(net.parameters()),
              device="cpu", checkpoint=folder, save_every=2, evaluate=stop, evaluate_every=1)  # fmt: skip
        return net.state_dict()

    class Stop(Exception):
        pass

    done = []

    def stop(net):
        done.append(1)
        if len(done) == 5:
            raise Stop
        return {}

    with pytest.raises(Stop):
        go(tmp_path, stop)
    whole, resumed = go(), go(tmp_path)
    assert all(torch.equal(whole[k], resumed[k]) for k in whole)


def test_fp16_scaling_is_resumed_too(tmp_path):
    class Stop(Exception):
        pass

    def stop(net, done=[]):  # noqa: B006
        done.append(1)
        if len(done) == 8:
            raise Stop
        return {}

    with pytest.raises(Stop):
        run(tmp_path, 3, precision="fp16", evaluate=stop, evaluate_every=1)
    assert numbers(*run(tmp_path, 3, precision="fp16")) == numbers(*run(precision="fp16"))
    with pytest.raises(ValueError, match="settings.precision: fp32, got fp16"):
        run(tmp_path, 3)


def test_tied_weights_can_be_saved(tmp_path):
    net = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    net[1].weight = net[0].weight
    train(lambda b: {"l": net(b["x"]).square().mean()}, net, lambda n, part, parts: {"x": torch.ones(2, 3)}, steps=2,
          device="cpu", checkpoint=tmp_path)  # fmt: skip
    assert set(read_sealed(tmp_path / NAME)[1]) > {"net.0.weight", "net.1.weight"}


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = write_sealed(tmp_path / "a.safetensors", {"x": torch.ones(2)}, {"n": 1})
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("power cut")))
    with pytest.raises(OSError, match="power cut"):
        write_sealed(path, {"x": torch.zeros(2)}, {"n": 2})
    facts, tensors = read_sealed(path)
    assert facts == {"n": 1} and torch.equal(tensors["x"], torch.ones(2))


def test_whoever_reads_while_another_writes_sees_the_old_file_or_the_new_one(tmp_path):
    path = write_sealed(tmp_path / "a.safetensors", {"x": torch.zeros(300)}, {"n": 0})
    writer = os.fork()
    if writer == 0:
        try:
            for n in range(400):
                write_sealed(path, {"x": torch.full((300,), float(n))}, {"n": n})
        finally:
            os._exit(0)
    while os.waitpid(writer, os.WNOHANG) == (0, 0):
        facts, tensors = read_sealed(path)
        assert torch.equal(tensors["x"], torch.full((300,), float(facts["n"])))


def test_sealed_files_say_what_is_wrong(tmp_path):
    with pytest.raises(FileNotFoundError, match="next: run what writes it"):
        read_sealed(tmp_path / "none.safetensors")
    path = write_sealed(tmp_path / "list.safetensors", {"x": torch.ones(1)}, [1, 2])
    with pytest.raises(ValueError, match="no JSON object but list"):
        read_sealed(path)
    refuse_others(path, {"x": torch.ones(2), "n": 1}, {"n": 1, "x": torch.zeros(2)})
    with pytest.raises(ValueError, match="expected n: 1, got 2"):
        refuse_others(path, {"n": 1}, {"n": 2})
