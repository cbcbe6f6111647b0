"""The backbone for real images: torchvision's net where undilated, and the same values, more densely, where dilated."""

import pytest
import torch

from mmlib.backbones.mobilenet import MIDDLE, MobileNetV2, imagenet_mobilenet
from mmlib.data import DataMissing, weights


@pytest.fixture
def trained(shared_data, monkeypatch):
    """The ImageNet weights; skipped where they are absent."""
    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    try:
        return weights("mobilenet_v2")
    except DataMissing as missing:
        pytest.skip(str(missing))


def random_weights() -> dict:
    """Weights of some net that has seen nothing, with norms that do something."""
    torch.manual_seed(1)
    state = MobileNetV2(32).state_dict()
    return {k: v + 0.1 * torch.rand_like(v) if v.is_floating_point() else v for k, v in state.items()}


def with_weights(state: dict, stride: int) -> MobileNetV2:
    net = MobileNetV2(stride)
    net.load_state_dict(state)
    return net.eval()


@torch.no_grad()
def test_undilated_is_torchvisions(shared_data, trained):
    from torchvision.models import mobilenet_v2
    from torchvision.transforms.functional import normalize

    theirs = mobilenet_v2(weights=None).eval()
    lost = theirs.load_state_dict(trained, strict=False)
    assert lost.missing_keys == ["classifier.1.weight", "classifier.1.bias"] and not lost.unexpected_keys
    rgb = torch.rand(1, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    stage4, stage5 = imagenet_mobilenet(32)(rgb)
    want = normalize(rgb, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    for index, layer in enumerate(theirs.features[:18]):
        want = layer(want)
        if index == 13:
            torch.testing.assert_close(stage4, want, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(stage5, want, rtol=1e-4, atol=1e-4)


def test_the_names_are_torchvisions():
    from torchvision.models import mobilenet_v2

    theirs = mobilenet_v2(weights=None).features.state_dict(prefix="features.")
    wanted = {key: value.shape for key, value in theirs.items() if not key.startswith("features.18.")}
    assert {key: value.shape for key, value in MobileNetV2().state_dict().items()} == wanted
    assert sum(p.numel() for p in MobileNetV2().parameters()) == 1_811_712


@torch.no_grad()
@pytest.mark.parametrize("stride", [8, 16])
def test_dilation_gives_the_same_values_more_densely(stride):
    """Every 32/stride-th value is the undilated net's, at the borders too: that is what dilation is for."""
    state = random_weights()
    rgb = torch.rand(1, 3, 96, 64, generator=torch.Generator().manual_seed(0))
    sparse, dense = with_weights(state, 32)(rgb), with_weights(state, stride)(rgb)
    assert [x.shape[1:] for x in dense] == [(c, 96 // stride, 64 // stride) for c in (96, 320)]
    for few, many, step in zip(sparse, dense, (16 // stride, 32 // stride)):
        torch.testing.assert_close(many[..., ::step, ::step], few, rtol=1e-4, atol=1e-4 * float(few.abs().max()))


@torch.no_grad()
def test_stopped_in_the_middle_it_gives_the_same_as_on_the_way(trained):
    rgb = torch.rand(1, 3, 32, 48, generator=torch.Generator().manual_seed(0))
    short, long = imagenet_mobilenet(8, MIDDLE), imagenet_mobilenet(8)
    assert short.channels == (64, 96) and len(short.features) == 14
    torch.testing.assert_close(short(rgb)[1], long(rgb)[0])


def test_frozen_and_in_eval_mode(trained):
    net = imagenet_mobilenet()
    assert not net.training and not any(p.requires_grad for p in net.parameters())


def test_a_missing_or_foreign_key_is_refused():
    state = random_weights()
    for wrong in (dict(list(state.items())[1:]), state | {"features.99.weight": torch.zeros(1)}):
        with pytest.raises(RuntimeError, match="features"):
            MobileNetV2().load_state_dict(wrong)


def test_an_unknown_stride_is_refused():
    with pytest.raises(ValueError, match="expected 8, 16 or 32, got 4"):
        MobileNetV2(4)
