"""The loop does what its lines say: the sums, the order, the averages, the schedules, and the stop."""

import math
import random
import warnings

import numpy as np
import pytest
import torch
from torch import nn

from mmlib.train import (
    Batches,
    NonFinite,
    World,
    average_into,
    constant,
    cosine,
    mixed_precision,
    native_precision,
    poly,
    progress,
    seed_everything,
    train,
    warmup,
)

CPU = World(0, 1, torch.device("cpu"))


class Toy:
    """A small net with dropout, its step, and 24 samples: everything a run needs, the same for the same seed."""

    def __init__(self, dropout=0.2, size=8):
        torch.manual_seed(5)
        self.net = nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.GroupNorm(2, 8), nn.ReLU(), nn.Dropout(dropout), nn.Conv2d(8, 4, 1)
        )
        source = {"rgb": torch.rand(24, 3, 8, 8), "labels": torch.randint(0, 4, (24, 8, 8))}
        self.batches = Batches(source, size, seed=1)

    def step(self, batch):
        """Two loss terms."""
        logits = self.net(batch["rgb"])
        return {"ce": nn.functional.cross_entropy(logits, batch["labels"]), "size": logits.square().mean()}

    def train(self, **options):
        """A short run on the CPU."""
        return train(self.step, self.net, self.batches, **{"steps": 6, "device": "cpu", "precision": "fp32", **options})


def weights(net):
    """All of a net's numbers in one vector."""
    return torch.cat([p.detach().flatten() for p in net.state_dict().values()])


def test_equals_a_loop_written_by_hand():
    toy, twin = Toy(dropout=0.0), Toy(dropout=0.0)
    log = toy.train(schedule=poly(), clip=0.5, weights={"ce": 1.0, "size": 0.1}, optimizer=None)
    optimizer = torch.optim.AdamW(twin.net.to(memory_format=torch.channels_last).parameters(), lr=1e-3)
    for i in range(6):
        optimizer.param_groups[0]["lr"] = 1e-3 * (1 - i / 6) ** 0.9
        terms = twin.step(twin.batches(i))
        loss = terms["ce"] + 0.1 * terms["size"]
        loss.backward()
        nn.utils.clip_grad_norm_(twin.net.parameters(), 0.5)
        optimizer.step()
        optimizer.zero_grad()
        assert log.loss[i] == pytest.approx(loss.item(), rel=1e-6)
        assert log.columns["term size"][i] == pytest.approx(terms["size"].item(), rel=1e-6)
    assert torch.allclose(weights(toy.net), weights(twin.net), atol=1e-6)
    assert len(log.loss) == len(log.columns["gradient"]) == 6 and log.samples == 48 and log.speed() > 0


def test_same_seed_same_bits_other_seed_others():
    runs = [Toy() for _ in range(3)]
    losses = [toy.train(seed=seed).loss for toy, seed in zip(runs, (3, 3, 4))]
    assert losses[0] == losses[1] != losses[2]
    assert torch.equal(weights(runs[0].net), weights(runs[1].net))


def test_what_others_draw_does_not_change_a_run():
    calm, noisy = Toy(), Toy()

    def evaluate(net):
        return {"luck": torch.rand(()).item() + random.random() + np.random.rand()}

    assert calm.train().loss == noisy.train(evaluate=evaluate, evaluate_every=1).loss


@pytest.mark.parametrize("parts", [2, 4])
def test_accumulation_equals_the_big_batch(parts):
    whole, cut = Toy(dropout=0.0), Toy(dropout=0.0)
    a, b = whole.train(), cut.train(accumulate=parts)
    assert np.allclose(a.loss, b.loss, rtol=1e-5) and a.samples == b.samples
    assert torch.allclose(weights(whole.net), weights(cut.net), atol=1e-5)


def test_accumulation_that_does_not_divide_the_batch_is_refused():
    with pytest.raises(ValueError, match="divides into 3 equal shares, got 8"):
        Toy().train(accumulate=3)


def test_average_follows_its_formula_and_is_what_gets_evaluated():
    toy, seen = Toy(), []
    slow = weights(toy.net)
    log = toy.train(ema=0.5, evaluate_every=1, evaluate=lambda net: seen.append((weights(net), weights(toy.net))) or {})
    for i, (got, fast) in enumerate(seen):
        decay = min(0.5, (1 + i) / (10 + i))
        slow = decay * slow + (1 - decay) * fast
        assert torch.allclose(got, slow, atol=1e-6), i
    assert torch.equal(weights(log.averaged), seen[-1][0]) and not torch.equal(seen[-1][0], seen[-1][1])


def test_average_of_a_constant_net_is_closed_form_and_counters_are_copied():
    fast, slow = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    with torch.no_grad():
        fast.weight.fill_(3.0)
        fast.num_batches_tracked.fill_(7)
    for _ in range(5):
        average_into(slow, fast, decay=0.9)
    assert torch.allclose(slow.weight, torch.full((2,), 3 - 2 * 0.9**5))
    assert slow.num_batches_tracked == 7


def test_schedules_have_their_closed_forms():
    assert [constant(i, 10) for i in (0, 9)] == [1, 1]
    assert [poly(2)(i, 10) for i in (0, 5, 9)] == pytest.approx([1, 0.25, 0.01])
    assert [cosine()(i, 8) for i in (0, 4, 6)] == pytest.approx([1, 0.5, (1 - math.sqrt(0.5)) / 2])
    assert cosine(floor=0.2)(8, 8) == pytest.approx(0.2)
    assert [warmup(4)(i, 8) for i in range(6)] == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
    assert warmup(4, poly(1))(6, 8) == pytest.approx(0.5)


def test_each_group_keeps_its_own_rate_under_the_schedule():
    toy = Toy()
    first, rest = toy.net[0].parameters(), toy.net[4].parameters()
    optimizer = torch.optim.SGD([{"params": first, "lr": 0.1}, {"params": rest, "lr": 0.01}])
    for _ in range(2):  # a second call on the same optimiser starts from its own rates again
        toy.train(optimizer=optimizer, schedule=lambda i, steps: 1 / (1 + i))
        assert [g["lr"] for g in optimizer.param_groups] == pytest.approx([0.1 / 6, 0.01 / 6])


@pytest.mark.parametrize(("bad", "name"), [(math.nan, "nan"), (math.inf, "inf")])
def test_stops_at_the_first_number_that_is_none(tmp_path, bad, name):
    toy, calls = Toy(), []

    def step(batch):
        calls.append(1)
        terms = toy.step(batch)
        return terms | {"size": terms["size"] * (bad if len(calls) == 6 else 1)}

    with pytest.raises(NonFinite, match=rf"step 5: .*'term size': {name}.*checkpoint.safetensors") as caught:
        train(step, toy.net, toy.batches, steps=9, device="cpu", checkpoint=tmp_path, save_every=2, precision="fp32")
    assert caught.value.step == 5 and math.isfinite(caught.value.terms["term ce"])
    good = Toy()
    resumed = good.train(steps=9, checkpoint=caught.value.checkpoint.parent, save_every=2)
    assert len(resumed.loss) == 9 and torch.isfinite(weights(good.net)).all()


def test_stops_at_a_gradient_that_is_none():
    toy = Toy()

    def step(batch):  # the square root has a finite value and an infinite slope at zero
        return {"ce": toy.step(batch)["ce"] + (toy.net[0].weight * 0).sum().sqrt()}

    with pytest.raises(NonFinite, match="step 0: .*'gradient': nan.*none was written"):
        train(step, toy.net, toy.batches, steps=3, device="cpu")


def test_precision_is_bf16_where_native_else_fp16_with_scaling(monkeypatch):
    def chosen(device, choice="auto"):
        with warnings.catch_warnings():  # this machine may have no GPU
            warnings.simplefilter("ignore")
            autocast, scaler, _ = mixed_precision(torch.device(device), choice)
            return (autocast.keywords["enabled"] and autocast.args[1]), scaler._enabled

    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert chosen("cpu") == (False, False)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")
    assert chosen("cpu") == (torch.bfloat16, False) and native_precision(torch.device("cpu")) == "bf16"
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")
    assert chosen("cpu") == (False, False), "an environment that holds PyTorch to AVX2 gets fp32"
    assert chosen("cpu", "bf16") == (torch.bfloat16, False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: True)
    assert chosen("cuda") == (torch.bfloat16, False)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: False)
    monkeypatch.setattr(torch.amp.grad_scaler.torch.cuda, "is_available", lambda: True)
    assert chosen("cuda") == (torch.float16, True)
    with pytest.raises(ValueError, match="got 'fp8'"):
        mixed_precision(torch.device("cpu"), "fp8")


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_low_precision_really_computes_low_and_learns(precision):
    toy, kinds = Toy(dropout=0.0), set()
    toy.net[4].register_forward_hook(lambda module, given, result: kinds.add(result.dtype))
    log = toy.train(precision=precision, steps=30, optimizer=torch.optim.AdamW(toy.net.parameters(), 1e-2))
    assert kinds == {{"bf16": torch.bfloat16, "fp16": torch.float16}[precision]}
    assert log.loss[-1] < log.loss[0] and all(p.dtype == torch.float32 for p in toy.net.parameters())


def test_a_gradient_that_never_fits_fp16_does_not_go_on_for_ever():
    toy = Toy()

    def step(batch):
        return {"ce": toy.step(batch)["ce"] + (toy.net[0].weight * 0).sum().sqrt()}

    with pytest.raises(NonFinite, match="'gradient': nan"):
        train(step, toy.net, toy.batches, steps=60, device="cpu", precision="fp16")


def test_a_step_that_is_no_step_is_explained():
    toy = Toy()
    for wrong in (torch.ones(()), {}, {"ce": 1.0}, {"ce": torch.ones(2)}):
        with pytest.raises(TypeError, match="dict of scalar tensors"):
            train(lambda batch, wrong=wrong: wrong, toy.net, toy.batches, steps=1, device="cpu")
    with pytest.raises(TypeError, match="dice"):
        toy.train(weights={"dice": 1.0})


def test_an_optimiser_of_other_parameters_is_refused():
    with pytest.raises(ValueError, match="put all nets in params"):
        Toy().train(optimizer=torch.optim.SGD(Toy().net.parameters(), 0.1))


def test_batches_are_the_same_whenever_asked_and_see_every_sample_once_an_epoch():
    batches = Batches({"x": torch.arange(10), "name": [str(i) for i in range(10)]}, 3, seed=2)
    assert len(batches) == 3 and torch.equal(batches(7)["x"], batches(7)["x"])
    assert batches(4)["name"] == [str(int(i)) for i in batches(4)["x"]]
    for epoch in range(3):
        seen = torch.cat([batches(3 * epoch + i)["x"] for i in range(3)]).tolist()
        assert len(set(seen)) == 9
    assert not torch.equal(batches(0)["x"], batches(3)["x"])
    shares = torch.cat([batches(2, part, 3)["x"] for part in range(3)])
    assert torch.equal(shares, batches(2)["x"])
    with pytest.raises(ValueError, match="1 to 10"):
        Batches({"x": torch.arange(10)}, 11)
    with pytest.raises(ValueError, match="one length, got {'x': 10, 'y': 9}"):
        Batches({"x": torch.arange(10), "y": torch.arange(9)}, 2)


def test_a_data_set_is_collated_and_fetched_ahead_one_by_one():
    toy, asked = Toy(), []

    class Slow(list):
        def __getitem__(self, i):
            asked.append(i)
            return super().__getitem__(i)

    source = toy.batches.source
    rows = Slow({"name": str(i), "rgb": source["rgb"][i], "labels": source["labels"][i]} for i in range(24))
    log = train(toy.step, toy.net, Batches(rows, 8, seed=1), steps=4, device="cpu", precision="fp32")
    assert log.loss == Toy().train(steps=4).loss and len(asked) == 32


def test_an_error_while_fetching_reaches_the_caller():
    def broken(number, part, parts):
        raise OSError("disk on fire")

    with pytest.raises(OSError, match="disk on fire"):
        train(Toy().step, Toy().net, broken, steps=2, device="cpu")


def test_pictures_come_with_channels_last_and_boxes_too():
    layouts = []

    def step(batch):
        layouts.append(batch["rgb"].is_contiguous(memory_format=torch.channels_last))
        return toy.step(batch)

    toy = Toy()
    train(step, toy.net, toy.batches, steps=2, device="cpu")
    assert layouts == [True, True] and toy.net[0].weight.is_contiguous(memory_format=torch.channels_last)


def test_evaluation_may_switch_modes():
    toy, modes = Toy(), []
    log = toy.train(evaluate=lambda net: {"x": float(not net.eval().training)}, evaluate_every=4, steps=6)
    modes.append(toy.net.training)
    assert [e["step"] for e in log.evaluations] == [4, 6] and modes == [True]


def test_progress_is_lines_headless_and_nothing_in_a_page(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: False, raising=False)
    monkeypatch.delitem(__import__("sys").modules, "ipykernel", raising=False)
    for static, lines in (("0", 2), ("1", 0)):
        monkeypatch.setenv("MMLIB_STATIC", static)
        Toy().train(steps=6)
        out, err = capsys.readouterr()
        assert len(out.splitlines()) == lines and not err
    monkeypatch.setenv("MMLIB_STATIC", "0")
    tell = progress([1, 2, 3], 0, 6, CPU._replace(rank=1, size=2))
    tell(3, [1.0])
    assert capsys.readouterr() == ("", "")


def test_progress_is_a_bar_where_somebody_watches(monkeypatch, capsys):
    monkeypatch.setenv("MMLIB_STATIC", "0")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    Toy().train(steps=6)
    out, err = capsys.readouterr()
    assert not out and "6/6" in err


def test_seeding_covers_all_generators_and_is_honest():
    def draw():
        return random.random(), np.random.rand(), torch.rand(()).item()

    left = seed_everything(11)
    first = draw()
    assert seed_everything(11) == left and draw() == first
    seed_everything(12)
    assert draw() != first
    assert any("thread" in line for line in left) and any(torch.__version__ in line for line in left)
    assert torch.are_deterministic_algorithms_enabled()


@pytest.fixture(autouse=True)
def _restore_determinism():
    before = torch.get_deterministic_debug_mode()
    yield
    torch.set_deterministic_debug_mode(before)
