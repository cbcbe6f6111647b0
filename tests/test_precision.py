"""Under bfloat16 autocast the losses and the fusion metrics give the numbers of float32; cross-entropy is never NaN."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import mmlib.losses
import mmlib.losses.fusion
from mmlib.losses import cross_entropy
from mmlib.metrics.fusion import CONVENTIONS, METRICS, evaluate


def low():
    """The autocast that training runs under on a CPU."""
    return torch.autocast("cpu", torch.bfloat16)


def scene(size=(64, 80), seed=0):
    """A smooth colour picture, a smooth infrared one, and a fusion of both, with some noise: (2, 3 or 1, H, W)."""
    dice = torch.Generator().manual_seed(seed)
    rgb, ir, noise = (torch.rand(2, c, *size, generator=dice) for c in (3, 1, 1))
    rgb, ir = (F.avg_pool2d(x, 7, 1, 3) for x in (rgb, ir))
    fused = 0.6 * rgb.mean(dim=1, keepdim=True) + 0.4 * ir + 0.01 * (noise - 0.5)
    return fused.clamp(0, 1), rgb, ir


def cosine(a, b):
    """Of the angle between two tensors, taken as vectors."""
    return F.cosine_similarity(a.flatten().float(), b.flatten().float(), dim=0).item()


def scalars(result):
    """A loss that is a tensor or a dict of terms, as a list of tensors."""
    return [*result.values()] if isinstance(result, dict) else [result]


# ---------------------------------------------------------------------------------------------------------------------
# Losses

FUSED, RGB, IR = scene()
LABELS = torch.randint(0, 5, (2, 64, 80), generator=torch.Generator().manual_seed(1))
LOGITS = 4 * torch.randn(2, 5, 64, 80, generator=torch.Generator().manual_seed(2))
LOSSES = {
    "cross_entropy": (LOGITS, LABELS),
    "edges": (FUSED,),
    "edge_loss": (FUSED, IR),
    "ssim": (FUSED, IR),
    "first_round": (FUSED, IR),
    "later_rounds": (FUSED, IR),
}
NO_LOSSES = {"in_float32", "window"}


def public(module):
    """The functions that a module defines for others."""
    named = inspect.getmembers(module, inspect.isfunction)
    return {name: f for name, f in named if f.__module__ == module.__name__ and not name.startswith("_")}


EVERY = public(mmlib.losses) | public(mmlib.losses.fusion)


def test_no_loss_is_left_out_here():
    assert EVERY.keys() - NO_LOSSES == LOSSES.keys()


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_and_its_gradient_are_float32_under_autocast(name):
    def run():
        first = LOSSES[name][0].clone().requires_grad_()
        terms = scalars(EVERY[name](first, *LOSSES[name][1:]))
        sum(term.sum() for term in terms).backward()
        return terms, first.grad

    want, slope = run()
    with low():
        got, slope_too = run()
    assert all(torch.equal(a, b) and a.dtype == torch.float32 for a, b in zip(got, want))
    assert torch.equal(slope, slope_too)


@pytest.mark.parametrize("name", LOSSES)
def test_what_a_network_put_out_in_bfloat16_is_computed_with_in_float32(name):
    rounded = [x.bfloat16() if x.is_floating_point() else x for x in LOSSES[name]]
    same = [x.float() if x.is_floating_point() else x for x in rounded]
    with low():
        got = scalars(EVERY[name](*rounded))
    assert all(torch.equal(a, b) for a, b in zip(got, scalars(EVERY[name](*same))))


def test_tensors_given_by_name_count_and_float64_stays():
    with low():
        named = mmlib.losses.fusion.ssim(fused=FUSED.bfloat16(), target=IR.bfloat16())
    assert (
        torch.equal(named, mmlib.losses.fusion.ssim(FUSED.bfloat16(), IR.bfloat16())) and named.dtype == torch.float32
    )
    assert cross_entropy(LOGITS.double(), LABELS).dtype == torch.float64


def test_ssim_without_the_guard_would_be_far_off():
    """Its variances are differences of nearly equal numbers, and bfloat16 has 8 bits."""
    guarded = mmlib.losses.fusion.ssim
    dice = torch.Generator().manual_seed(0)
    target = 0.25 + 0.5 * F.avg_pool2d(torch.rand(1, 1, 64, 80, generator=dice), 7, 1, 3)
    fused = target + 0.0052 * torch.randn(1, 1, 64, 80, generator=dice)

    def value_and_slope(ssim):
        moving = fused.clone().requires_grad_()
        value = ssim(moving, target).mean()
        value.backward()
        return value.item(), moving.grad

    true, slope = value_and_slope(guarded)
    with low():
        kept, kept_slope = value_and_slope(guarded)
        lost, lost_slope = value_and_slope(guarded.__wrapped__)
    assert true == pytest.approx(0.984, abs=0.002)
    assert kept == pytest.approx(true, abs=1e-6) and cosine(slope, kept_slope) > 0.999
    assert lost < true - 0.05 and cosine(slope, lost_slope) < 0.5


def test_a_network_in_bfloat16_gets_nearly_the_gradient_of_float32():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(4, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1), nn.Sigmoid())
    inputs = torch.cat([RGB, IR], dim=1)

    def slopes():
        net.zero_grad()
        terms = mmlib.losses.fusion.later_rounds(net(inputs), IR)
        sum(terms.values()).backward()
        return torch.cat([p.grad.flatten() for p in net.parameters()])

    want = slopes()
    with low():
        got = slopes()
    assert cosine(got, want) > 0.999


# ---------------------------------------------------------------------------------------------------------------------
# Cross-entropy


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 0.0, 2.0, 0.5, 3.0])])
def test_cross_entropy_is_pytorchs_where_something_is_labelled(weight):
    labels = LABELS.clone()
    labels[0, :40] = 255
    want = F.cross_entropy(LOGITS, labels, weight=weight, ignore_index=255)
    assert cross_entropy(LOGITS, labels, weight).item() == pytest.approx(want.item(), rel=1e-6)


@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 0.0, 2.0, 0.5, 3.0])])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_cross_entropy_of_a_crop_without_labels_is_zero_with_a_gradient_of_zero(weight, precision):
    nothing = torch.full_like(LABELS, 255)
    assert F.cross_entropy(LOGITS, nothing, ignore_index=255).isnan(), "what PyTorch's own gives"
    head = nn.Conv2d(5, 5, 1)
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
        loss = cross_entropy(head(LOGITS), nothing, weight)
    loss.backward()
    assert loss.item() == 0.0 and all((p.grad == 0).all() for p in head.parameters())


def test_cross_entropy_of_a_class_without_weight_alone_is_zero():
    only = torch.ones_like(LABELS)
    weight = torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0])
    logits = LOGITS.clone().requires_grad_()
    loss = cross_entropy(logits, only, weight)
    loss.backward()
    assert loss.item() == 0.0 and (logits.grad == 0).all()


def test_a_batch_with_one_empty_crop_is_the_mean_over_the_other_pixels():
    labels = LABELS.clone()
    labels[1] = 255
    assert cross_entropy(LOGITS, labels).item() == pytest.approx(cross_entropy(LOGITS[:1], labels[:1]).item(), rel=1e-6)


# ---------------------------------------------------------------------------------------------------------------------
# Metrics. They compute in float64, which no autocast touches.

LARGE = scene((164, 168))


@pytest.mark.parametrize("convention", CONVENTIONS)
def test_evaluate_is_the_same_under_autocast(convention):
    want = evaluate(*LARGE, convention=convention)
    with low():
        got = evaluate(*LARGE, convention=convention)
    assert got.keys() == want.keys()
    for name in want:
        assert torch.equal(got[name], want[name]) and got[name].dtype == torch.float64, name


@pytest.mark.parametrize("name", METRICS)
def test_a_metric_and_its_gradient_are_the_same_under_autocast(name):
    def run():
        fused = LARGE[0].clone().requires_grad_()
        value = METRICS[name](fused, *LARGE[1:])
        if value.requires_grad:
            value.sum().backward()
        return value.detach(), fused.grad

    want, slope = run()
    with low():
        got, slope_too = run()
    assert torch.equal(got, want) and got.dtype == torch.float64
    assert slope is slope_too is None or torch.equal(slope, slope_too)
