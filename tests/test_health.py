"""Health: dead parts are reported in words, living nets are not, and a run's log holds it from start to end."""

import json
import math

import pytest
import torch
import torch.nn.functional as F
from forks import in_two
from torch import nn

from mmlib import show
from mmlib.backbones.mit import MiT, MixFFN
from mmlib.health import Part, look, silent, watching, why_silent
from mmlib.models import segmif, training, tsjnet
from mmlib.train import Batches, train, world


def pictures(channels=1, size=12, count=4, seed=0):
    """Random pictures, (count, channels, size, size); as in real ones, some are bright and some are dark."""
    dice = torch.Generator().manual_seed(seed)
    brightness = torch.rand(count, channels, 1, 1, generator=dice)
    return (torch.rand(count, channels, size, size, generator=dice) + brightness) / 2


def reasons(step, **parts):
    """Why each part that is silent after one step is."""
    return {name: why for name, reading in look(step, parts).items() if (why := why_silent(reading))}


def energy(net, *inputs):
    """A loss that pulls on every output of `net`."""
    return lambda: net(*inputs).square().mean()


class Residual(nn.Module):
    """x + branch(x) between two convolutions; the branch is the one that died in TSJNet."""

    def __init__(self, width=8):
        super().__init__()
        torch.manual_seed(0)
        self.stem = nn.Conv2d(1, width, 3, padding=1)
        first = nn.Conv2d(width, width, 3, padding=1), nn.ReLU6()
        second = nn.Conv2d(width, width, 3, padding=1), nn.ReLU6()
        self.branch = nn.Sequential(*first, *second)
        self.head = nn.Conv2d(width, 1, 1)

    def forward(self, x):
        """(B, 1, H, W) -> the same."""
        x = self.stem(x)
        return self.head(x + self.branch(x))

    def parts(self):
        """What is watched."""
        return {"stem": self.stem, "branch": Part(self.branch, "branch", joins=self.stem), "head": self.head}


class Run:
    """A Residual that learns to blur, and everything that `train` needs for it."""

    def __init__(self, rate=3e-3, net=None):
        self.net = net or Residual()
        x = pictures(count=16)
        self.batches = Batches({"x": x, "y": F.avg_pool2d(x, 3, 1, 1)}, 8)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), rate)
        self.calls = 0
        self.fails_at = None

    def step(self, batch):
        """One loss term."""
        self.calls += 1
        if self.calls == self.fails_at:
            raise KeyboardInterrupt
        return {"blur": F.mse_loss(self.net(batch["x"]).float(), batch["y"])}

    def train(self, **options):
        """30 steps on the CPU."""
        fixed = {"steps": 30, "optimizer": self.optimizer, "device": "cpu", "precision": "fp32"}
        return train(self.step, self.net, self.batches, **{**fixed, "health": self.net.parts(), **options})


# ---------------------------------------------------------------------------------------------------------------------
# What is dead


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_branch_that_a_high_rate_killed_is_found_and_its_twin_at_a_low_rate_is_not(precision):
    killed, healthy = Run(rate=0.3), Run()
    dead, alive = killed.train(precision=precision).health, healthy.train(precision=precision).health
    assert silent(dead, at="start") == {}, "it was alive before training"
    assert silent(dead).keys() == {"branch"}
    assert dead["branch"]["end"]["varies"] == dead["branch"]["end"]["gradient"] == 0.0
    assert dead["branch"]["end"]["never"] >= 0.5, "of its two ReLU6 at least the second is dead"
    for when in ("start", "middle", "end"):
        assert silent(alive, at=when) == {}, when
    assert alive["branch"]["end"]["never"] < 0.9 and alive["branch"]["end"]["varies"] > 0.05


def test_the_numbers_are_those_of_their_definitions():
    layer = nn.Conv2d(2, 3, 1)
    with torch.no_grad():
        layer.weight[0] = 0  # the first of three units is its bias
    x = pictures(channels=2)
    reading = look(energy(layer, x), {"layer": layer, "branch": Part(layer, "branch")})
    out = layer(x)
    out.square().mean().backward()
    spread, size = out.var(dim=0).mean().sqrt(), out.square().mean().sqrt()
    gradient = math.hypot(*(p.grad.norm().item() for p in layer.parameters()))
    weight = math.hypot(*(p.norm().item() for p in layer.parameters()))
    assert reading["layer"]["never"] == pytest.approx(1 / 3)
    assert reading["layer"]["varies"] == pytest.approx((spread / size).item(), rel=1e-5)
    assert reading["branch"]["varies"] == pytest.approx((spread / x.var(dim=0).mean().sqrt()).item(), rel=1e-5)
    assert reading["layer"]["gradient"] == pytest.approx(gradient / weight, rel=1e-5)


@pytest.mark.parametrize("count", [1, 4])
def test_an_attention_whose_inputs_are_zero(count):
    attention = segmif.MoAM(16, 2)
    query, seg = torch.randn(count, 20, 16), torch.randn(count, 20, 16)

    def step(ir, rgb):
        return lambda: sum(told.square().mean() for told in attention(ir, rgb, seg))

    assert reasons(step(query, query), moam=attention) == {}
    nothing = torch.zeros_like(query)
    for ir, rgb in ((nothing, nothing), (nothing, query), (query, nothing)):
        assert "moam" in reasons(step(ir, rgb), moam=attention), "one dead sense is enough"
    assert reasons(step(nothing, nothing), moam=Part(attention, "attention"))


@pytest.mark.parametrize(("bias", "where"), [(20.0, "1.00"), (-20.0, "0.00"), (0.0, "0.50")])
def test_a_gate_that_is_the_same_everywhere(bias, where):
    gate = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Sigmoid())
    nn.init.normal_(gate[0].weight, std=1e-3 if bias == 0 else 1.0)
    nn.init.constant_(gate[0].bias, bias)
    x = pictures()
    assert reasons(energy(gate, x), gate=Part(gate, "gate")) == {"gate": f"its gate stands still at {where}"}
    nn.init.normal_(gate[0].weight, std=2.0)
    nn.init.zeros_(gate[0].bias)
    assert reasons(energy(gate, x), gate=Part(gate, "gate")) == {}


def test_a_gate_that_differs_between_channels_but_not_between_pictures_stands_still():
    gate = nn.Sequential(nn.Conv2d(1, 2, 1), nn.Sigmoid())
    with torch.no_grad():
        gate[0].weight.zero_()
        gate[0].bias.copy_(torch.tensor([-20.0, 20.0]))
    assert "gate" in reasons(energy(gate, pictures()), gate=Part(gate, "gate"))


class Softmax(nn.Module):
    """Weights over places, by a module or a function, alone or with what they select."""

    def __init__(self, how, sharpness):
        super().__init__()
        self.how, self.soft = how, nn.Softmax(dim=-1)
        self.qkv = nn.Linear(16, 48)
        with torch.no_grad():
            self.qkv.weight[:16] *= sharpness
            self.qkv.bias[:16] *= sharpness

    def forward(self, x):
        """Tokens (B, N, 16) -> the same."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        if self.how == "fused":
            return F.scaled_dot_product_attention(q, k, v)
        scores = q @ k.transpose(1, 2) / 4
        shares = self.soft(scores) if self.how == "module" else scores.softmax(dim=-1)
        return shares if self.how == "weights" else shares @ v


@pytest.mark.parametrize("how", ["module", "function", "weights", "fused"])
def test_a_softmax_that_is_uniform(how):
    torch.manual_seed(0)
    x = torch.randn(3, 20, 16)
    flat, sharp = Softmax(how, sharpness=1e-4), Softmax(how, sharpness=20.0)
    found = reasons(energy(flat, x), attention=Part(flat, "attention"))
    assert found == {"attention": "its attention is uniform (entropy 1.000)"}
    assert reasons(energy(sharp, x), attention=Part(sharp, "attention")) == {}


def test_entropy_is_that_of_the_fused_attentions_weights():
    torch.manual_seed(0)
    x = torch.randn(3, 20, 16)
    fused, plain = Softmax("fused", 3.0), Softmax("function", 3.0)
    plain.load_state_dict(fused.state_dict())
    readings = [look(energy(net, x), {"a": Part(net, "attention")})["a"] for net in (fused, plain)]
    assert readings[0]["entropy"] == pytest.approx(readings[1]["entropy"], rel=1e-5)
    assert readings[0]["varies"] == pytest.approx(readings[1]["varies"], rel=1e-3)


def test_weights_without_pytorchs_softmax_sum_to_one_over_dim():
    class Shares(nn.Module):
        def forward(self, x):
            return x / x.sum(dim=1, keepdim=True)

    shares = Shares()
    equal = torch.ones(2, 5, 3, requires_grad=True)
    part = Part(shares, "attention", dim=1)
    assert "uniform" in reasons(energy(shares, equal), shares=part)["shares"]
    one = torch.zeros(2, 5, 3)
    one[0, 2], one[1, 3] = 1, 1
    assert reasons(energy(shares, one), shares=part) == {}


def test_a_part_that_is_never_called_and_one_that_no_gradient_reaches():
    net = Residual()
    spare = nn.Conv2d(1, 1, 1)
    x = pictures()

    def step():
        found = net.stem(x)
        return net.head(found + net.branch(found).detach()).square().mean()

    found = reasons(step, spare=spare, **net.parts())
    assert found == {"spare": "it was never called", "branch": "no gradient reaches it"}


def test_of_an_encoder_that_is_used_twice_one_dead_use_is_enough():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 8, 3, padding=1))
    light, heat = pictures(seed=1), pictures(seed=2)

    def step(ir):
        return lambda: (encoder(light) + encoder(ir)).square().mean()

    assert reasons(step(heat), encoder=encoder) == {}
    # Zeros around the picture make the dead use vary from place to place, but not from picture to picture.
    for dead in (torch.zeros_like(heat), torch.full_like(heat, 0.5)):
        for kind in ("layer", "branch"):
            found = reasons(step(dead), encoder=Part(encoder, kind))
            assert found == {"encoder": "its output is the same for every picture"}


def test_numbers_that_are_not_finite_are_told():
    layer = nn.Linear(3, 3)
    nn.init.constant_(layer.weight, math.nan)
    assert "not finite" in reasons(energy(layer, torch.rand(4, 3)), layer=layer)["layer"]


def test_a_kind_that_does_not_exist_and_a_list_that_is_never_called_are_refused():
    with pytest.raises(ValueError, match="layer, branch, gate, attention, got 'lane'"):
        Part(nn.ReLU(), "lane")
    with pytest.raises(ValueError, match="name its members"):
        Part(nn.ModuleList([nn.ReLU()]))
    net = Residual()
    joins = Part(net.branch, "branch", joins=nn.Conv2d(1, 1, 1))
    with pytest.raises(ValueError, match="joins is called, too"):
        look(energy(net, pictures()), {"branch": joins})


# ---------------------------------------------------------------------------------------------------------------------
# What is alive


def test_silent_about_a_fresh_unet():
    torch.manual_seed(0)
    net = training.UNet({"rgb": 3, "ir": 1}, 5, width=16)
    parts = {name: getattr(net, name) for name in ("encoder1", "encoder2", "encoder3", "decoder2", "decoder1", "head")}
    parts |= {"stem of ir": Part(net.stems["ir"], "branch", joins=net.stems["rgb"]), "all": net}
    both = {"rgb": pictures(3, 32), "ir": pictures(1, 32, seed=1)}
    assert reasons(energy(net, both), **parts) == {}


def test_silent_about_a_fresh_tsjnet():
    torch.manual_seed(0)
    net = tsjnet.TSJNet(width=16, levels=1)
    visible, ir = pictures(size=32), pictures(size=32, seed=1)

    def step():
        return tsjnet.fusion_losses(net.reconstruct(visible, ir), visible, ir)

    encoder = net.encoder
    parts = {"trunk": encoder.trunk, "base": encoder.base, "detail": encoder.detail, "decoder": net.decoder.trunk}
    parts |= {"fused base": net.fuse_base, "fused detail": net.fuse_detail}
    parts |= {"back": Part(encoder.base.upsample, "branch", joins=encoder.reduce)}
    parts |= {"attention": Part(encoder.base.levels[0].blocks[0].attn, "branch")}
    parts |= {"mlp": Part(encoder.base.levels[0].blocks[0].mlp, "branch")}
    parts |= {"gates": Part(net.decoder.gates, "gate")}
    assert reasons(step, **parts) == {}


def test_silent_about_a_fresh_segmif():
    torch.manual_seed(0)
    fusion, guide = segmif.FusionNet(segmif.hia(16), 16, 8, 3, seg_channels=(16, 32)), MiT("tiny")
    luma, ir, rgb = pictures(size=32), pictures(size=32, seed=1), pictures(3, 32)
    block = guide.stages[1].blocks[0]
    parts = {"dense": fusion.drdb1_ir, "interaction": fusion.interaction, "all": fusion, "guide": guide}
    parts |= {"SoAM": fusion.interaction.soam, "MoAM": fusion.interaction.moam}
    parts |= {"MixFFN": Part(block.mlp, "branch"), "attention": Part(block.attn, "branch")}
    assert reasons(lambda: fusion(luma, ir, guide(rgb, stages=2)).square().mean(), **parts) == {}


class Block(nn.Module):
    """A transformer's block over tokens (B, N, C) or maps (B, H, W, C)."""

    def __init__(self, width=16):
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.look = Softmax("fused", 5.0)
        self.think = nn.Sequential(nn.Linear(width, 3 * width), nn.GELU(), nn.Linear(3 * width, width))

    def forward(self, x):
        """The same shape."""
        tokens = x.flatten(1, -2)
        tokens = tokens + self.look(self.norms[0](tokens))
        return (tokens + self.think(self.norms[1](tokens))).view_as(x)


@pytest.mark.parametrize("shape", [(3, 20, 16), (3, 4, 5, 16), (1, 20, 16)])
def test_silent_about_a_transformers_block(shape):
    torch.manual_seed(0)
    block = Block()
    parts = {"block": block, "look": Part(block.look, "attention"), "think": Part(block.think, "branch")}
    assert reasons(energy(block, torch.randn(shape)), **parts) == {}


@pytest.mark.parametrize("shape", [(3, 20, 16), (3, 4, 5, 16), (3, 16)])
def test_units_are_the_channels_in_every_layout(shape):
    """A third of the units is dead; rows or places in their stead would all be alive."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(16, 48), nn.ReLU(), nn.Linear(48, 16))
    with torch.no_grad():
        net[0].bias[:16] = -100.0
        net[0].bias[16:] = 1.0
    assert look(energy(net, torch.randn(shape)), {"net": net})["net"]["never"] == pytest.approx(1 / 3)


def test_units_after_a_convolution_are_found_where_they_were_turned_to():
    torch.manual_seed(0)
    feed = MixFFN(8)
    with torch.no_grad():
        feed.dwconv.bias[:24] = -100.0
    reading = look(lambda: feed(torch.randn(2, 30, 8), (5, 6)).square().mean(), {"feed": feed})
    assert reading["feed"]["never"] == pytest.approx(24 / 32)


def test_activations_are_seen_as_modules_as_functions_and_in_place():
    forms = {
        "module": nn.ReLU(),
        "module in place": nn.ReLU(inplace=True),
        "function": F.relu,
        "function in place": lambda x: F.relu(x, inplace=True),
        "method": lambda x: x.relu(),
        "method in place": lambda x: x.relu_(),
    }

    class Net(nn.Module):
        def __init__(self, act):
            super().__init__()
            torch.manual_seed(0)
            self.first, self.last, self.act = nn.Conv2d(1, 8, 3), nn.Conv2d(8, 2, 3), act

        def forward(self, x):
            return self.last(self.act(self.first(x)))

    readings = []
    for act in forms.values():
        net = Net(act)
        with torch.no_grad():
            net.first.bias[:2] = -100.0
        readings.append(look(energy(net, pictures()), {"net": Part(net, "branch")})["net"])
    assert readings[0]["never"] == 0.25
    assert all(reading == readings[0] for reading in readings), dict(zip(forms, readings))


EVERY = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.RReLU, nn.PReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Hardswish)
EVERY += (nn.Mish, nn.Softplus, nn.Tanh, nn.Hardtanh)


@pytest.mark.parametrize("act", EVERY)
def test_every_activation_of_pytorch_is_known(act):
    net = nn.Sequential(nn.Conv2d(1, 8, 3), act(), nn.Conv2d(8, 2, 3))
    with torch.no_grad():
        net[0].weight.abs_()
        net[0].weight[:2] = 0
        net[0].bias.zero_()
    assert look(energy(net, pictures()), {"net": net})["net"]["never"] == 0.25


@pytest.mark.parametrize("gate", [nn.Sigmoid(), nn.Hardsigmoid(), torch.sigmoid, lambda x: x.sigmoid_()])
def test_every_gate_of_pytorch_is_known(gate):
    class Gated(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.gate = nn.Conv2d(1, 1, 1, bias=False), gate

        def forward(self, x):
            return 10 * x * self.gate(self.conv(x))

    net = Gated()
    nn.init.zeros_(net.conv.weight)
    reading = look(energy(net, pictures()), {"gate": Part(net, "gate")})["gate"]
    assert (reading["open"], reading["varies"]) == (0.5, 0.0)


def test_an_input_that_is_overwritten_in_place_was_measured_before():
    def reading(inplace):
        torch.manual_seed(0)
        branch = nn.Sequential(nn.ReLU(inplace), nn.Conv2d(4, 4, 3, padding=1))
        x = torch.randn(3, 4, 8, 8)
        return look(energy(branch, x), {"branch": Part(branch, "branch")})["branch"]

    assert reading(True) == reading(False)


def test_one_activation_in_two_places_does_not_hide_the_dead_one():
    """torchvision's ResNets use one ReLU module for a block's middle and its end."""

    class Shared(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.conv, self.act = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU()
            nn.init.constant_(self.conv.bias, -100.0)

        def forward(self, x):
            return self.act(x + self.act(self.conv(x)))

    net = Shared()
    x = torch.randn(3, 4, 8, 8)
    assert look(energy(net, x), {"net": net})["net"]["never"] == 0.5


def test_a_vector_of_a_single_picture_is_no_evidence_of_death():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Linear(12, 3))
    assert reasons(energy(net, torch.randn(1, 6)), net=net) == {}
    nn.init.constant_(net[0].bias, -100.0)
    assert reasons(energy(net, torch.randn(1, 6)), net=net) == {"net": "100% of its units never fire"}


def test_what_a_branch_joins_may_be_computed_after_it():
    torch.manual_seed(0)
    road, branch = nn.Conv2d(1, 4, 3, padding=1), nn.Conv2d(1, 4, 3, padding=1)
    x = pictures()
    parts = {"branch": Part(branch, "branch", joins=road)}
    after = look(lambda: (branch(x) + road(x)).square().mean(), parts)
    before = look(lambda: (road(x) + branch(x)).square().mean(), parts)
    want = branch(x).var(dim=0).mean().sqrt() / road(x).var(dim=0).mean().sqrt()
    assert after == before and after["branch"]["varies"] == pytest.approx(want.item(), rel=1e-5)


def test_looking_changes_nothing():
    net = Residual()
    x = pictures()
    net(x).sum().backward()
    before = [p.grad.clone() for p in net.parameters()]
    look(lambda: {"a": net(x).square().mean(), "b": net(x).abs().mean()}, net.parts())
    assert all(torch.equal(p.grad, old) for p, old in zip(net.parameters(), before))
    hooks = [len(m._forward_hooks) + len(m._forward_pre_hooks) for m in net.modules()]
    assert sum(hooks) == 0 and torch.overrides._len_torch_function_stack() == 0


def test_hooks_go_even_if_the_step_fails():
    net = Residual()
    with pytest.raises(RuntimeError), watching(net.parts()):
        net(torch.rand(2, 3, 8, 8))
    assert not net.stem._forward_hooks and torch.overrides._len_torch_function_stack() == 0


# ---------------------------------------------------------------------------------------------------------------------
# In a run


def test_a_run_without_health_never_watches_and_one_with_it_trains_the_same(monkeypatch):
    watched, plain = Run(), Run()
    log = watched.train()
    monkeypatch.setattr("mmlib.train.watching", None)
    assert plain.train(health=None).loss == log.loss
    assert all(torch.equal(a, b) for a, b in zip(watched.net.state_dict().values(), plain.net.state_dict().values()))
    assert set(log.health) == {"stem", "branch", "head"}
    assert all(set(readings) == {"start", "middle", "end"} for readings in log.health.values())


@pytest.mark.parametrize(("fails_at", "resumed_at"), [(5, 0), (18, 14), (28, 21)])
def test_health_survives_a_run_that_is_broken_off(tmp_path, fails_at, resumed_at):
    whole = Run().train()
    broken = Run()
    broken.fails_at = fails_at
    with pytest.raises(KeyboardInterrupt):
        broken.train(checkpoint=tmp_path, save_every=7)
    resumed = Run()
    log = resumed.train(checkpoint=tmp_path, save_every=7)
    assert resumed.calls == 30 - resumed_at
    assert log.health == whole.health and log.loss == whole.loss


def test_accumulated_shares_are_one_step():
    whole, shared = Run().train(), Run().train(accumulate=2)
    assert silent(shared.health) == {}
    for name, readings in whole.health.items():
        assert shared.health[name]["start"]["gradient"] == pytest.approx(readings["start"]["gradient"], rel=1e-3)
        assert shared.health[name]["start"]["never"] == readings["start"]["never"]
        assert shared.health[name]["start"]["varies"] == pytest.approx(readings["start"]["varies"], rel=0.3)


def test_health_in_bf16_is_about_that_of_fp32():
    full, half = Run().train(), Run().train(precision="bf16")
    assert half.precision == "bf16"
    for name, readings in full.health.items():
        assert half.health[name]["start"]["varies"] == pytest.approx(readings["start"]["varies"], rel=0.02)
        assert half.health[name]["start"]["gradient"] == pytest.approx(readings["start"]["gradient"], rel=0.1)


def test_two_processes_read_what_one_reads(tmp_path):
    """The gradient is the whole batch's; the rest is that of the first process' share."""

    def learn(rank):
        health = Run().train().health
        (tmp_path / str(rank)).write_text(json.dumps({"health": health, "size": world("cpu").size}))

    assert in_two(learn) == [0, 0]
    found = json.loads((tmp_path / "0").read_text())
    assert found["size"] == 2 and silent(found["health"]) == {}
    for name, readings in Run().train().health.items():
        gradient = found["health"][name]["start"]["gradient"]
        assert gradient == pytest.approx(readings["start"]["gradient"], rel=1e-3)


# ---------------------------------------------------------------------------------------------------------------------
# The figure

LIVING = {"called": 1.0, "never": 0.1, "varies": 0.5, "gradient": 1e-3}
HEALTH = {
    "decoder": {"start": LIVING, "middle": LIVING, "end": LIVING},
    "branch": {"start": LIVING, "middle": LIVING, "end": {"called": 1.0, "never": 1.0, "varies": 0.0, "gradient": 0.0}},
    "gate": {"start": LIVING | {"open": 0.5}, "middle": LIVING | {"open": 0.7}, "end": LIVING | {"open": 0.8}},
    "spare": {"start": {"called": 0.0}, "middle": {"called": 0.0}, "end": {"called": 0.0}},
}


def test_the_figure_names_silent_parts_in_words_and_tells_every_number():
    made = show.health(HEALTH, caption="A toy.")
    silent_ones = "branch, because 100% of its units never fire; spare, because it was never called."
    assert f"A toy. Silent at the end of training: {silent_ones}" in made.html
    assert made.text.startswith("[plot] Health of 4 parts (start, middle, end). decoder: never 0.1, 0.1, 0.1; varies")
    assert "open 0.5, 0.7, 0.8" in made.text and "spare: no numbers" in made.text
    assert "No part is silent at the end of training." in show.health(HEALTH, parts=["decoder", "gate"]).html


def test_the_figure_takes_one_look_and_a_record_and_gives_parts_other_names():
    once = show.health({name: found["end"] for name, found in HEALTH.items()}, parts={"branch": "base <branch>"})
    assert "Silent: base &lt;branch&gt;, because" in once.html and once.text.startswith("[plot] Health of 1 part (now)")
    assert show.health(json.loads(json.dumps(HEALTH))).html == show.health(HEALTH).html


def test_the_figure_draws_what_no_scale_holds():
    wild = {"called": 1.0, "never": -1.0, "varies": 1e12, "gradient": -1.0, "entropy": 0.5}
    assert "not finite" in show.health({"a part with a name that is longer than any label": {"end": wild}}).html


def test_the_figure_refuses_parts_that_were_not_read():
    with pytest.raises(ValueError, match="decoder, branch, gate, spare; got encoder"):
        show.health(HEALTH, parts=["encoder"])
    with pytest.raises(ValueError, match="got none"):
        show.health({})
