"""SegMiF's parts as chapter 7 exports them: counts, slow references, and SegFormer against another implementation."""

import pytest
import torch
import torch.nn.functional as F

from mmlib.models.segmif import (
    DRDB,
    MIT,
    FusionNet,
    MiT,
    Segmenter,
    attend,
    coloured,
    fuse,
    hia,
    normalised,
)


def count(module):
    """How many weights."""
    return sum(p.numel() for p in module.parameters())


def random_weights(module, seed=0):
    """The module with every weight drawn anew, none of them special."""
    dice = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in module.parameters():
            p.copy_(0.3 * torch.randn(p.shape, generator=dice))
    return module.eval()


@pytest.fixture
def unbuilt(monkeypatch):
    """The meta device, where modules have shapes but no weights; drawing them there would load a compiler."""
    monkeypatch.setattr("mmlib.models.segmif.gently", lambda module: None)
    return torch.device("meta")


def test_parameter_counts_at_the_papers_size(unbuilt):
    with unbuilt:
        encoder = MiT("b3")
        whole = Segmenter(encoder, classes=9)
        assert count(DRDB()) == 198_880
        assert count(hia()) == 66_304
        assert count(FusionNet(hia())) == 968_066
        assert count(FusionNet(None)) == 889_346
        assert count(encoder) == 44_072_128
        assert count(whole) - count(encoder) == 528_137


def loops_over_everything(block, f_ir, f_rgb, f_seg):
    """HIA of one picture's tokens (N, C) with loops in the place of tensor algebra, step by step as described."""
    heads, width = block.mixers[0].heads, f_ir.shape[1]
    d = width // heads

    def context(keys, values, head):
        """Soft-max along the keys' channels of the scaled sum over tokens of key times value."""
        g = torch.zeros(d, d)
        for i in range(d):
            for j in range(d):
                for n in range(len(keys)):
                    g[i, j] += keys[n, head * d + i] * values[n, head * d + j] / d**0.5
        return torch.stack([g[:, j].exp() / g[:, j].exp().sum() for j in range(d)], dim=1)

    def answer(query, keys, values):
        out = torch.zeros_like(query)
        for head in range(heads):
            g = context(keys, values, head)
            for n in range(len(query)):
                for j in range(d):
                    out[n, head * d + j] = sum(query[n, head * d + i] * g[i, j] for i in range(d))
        return out

    y, u = zip(
        *(F.relu(e.weight @ f.T + e.bias[:, None]).T.chunk(2, 1) for e, f in zip(block.embed, (f_ir, f_rgb, f_seg)))
    )
    soam, moam = block.mixers
    results = []
    for which, (own, p) in enumerate(zip((f_ir, f_rgb), (soam.ir, soam.rgb))):
        z = answer(y[2], *(y[which] @ p.weight.T).chunk(2, 1))
        v = answer(u[which], *(u[2] @ moam.seg.weight.T).chunk(2, 1))
        joined = own + torch.cat([z, v], 1) @ block.join[which].weight.T + block.join[which].bias
        norm = block.norm[which]
        centred = joined - joined.mean(1, keepdim=True)
        spread = (centred.square().mean(1, keepdim=True) + norm.eps).sqrt()
        results.append(centred / spread * norm.weight + norm.bias)
    return results


def test_hia_equals_slow_loops():
    block = random_weights(hia(16))
    dice = torch.Generator().manual_seed(1)
    features = [torch.randn(1, 16, 3, 4, generator=dice) for _ in range(3)]
    with torch.no_grad():
        want = loops_over_everything(block, *(f[0].flatten(1).T for f in features))
        for got, slow in zip(block(*features), want):
            assert torch.allclose(got[0].flatten(1).T, slow, atol=1e-5)


def test_attention_reads_keys_in_any_order():
    dice = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 2, 20, 16, generator=dice)
    order = torch.randperm(20, generator=dice)
    assert torch.allclose(attend(query, key, value, 2), attend(query, key[:, order], value[:, order], 2), atol=1e-5)
    assert not torch.allclose(attend(query, key, value, 2), attend(query, key[:, order], value, 2), atol=1e-3)


def test_each_sample_of_a_batch_is_fused_by_itself():
    fusion = random_weights(FusionNet(hia(8), 8, 4, 2, seen=(16, 32)))
    dice = torch.Generator().manual_seed(2)
    light, ir = torch.rand(2, 3, 1, 24, 32, generator=dice)
    features = [torch.randn(3, 16, 12, 16, generator=dice), torch.randn(3, 32, 6, 8, generator=dice)]
    with torch.no_grad():
        whole = fusion(light, ir, features)
        alone = fusion(light[1:2], ir[1:2], [f[1:2] for f in features])
    assert whole.shape == (3, 1, 24, 32) and torch.allclose(whole[1:2], alone, rtol=1e-4, atol=1e-5)


def test_reading_before_enlarging_is_the_same_as_after():
    """A 1 x 1 convolution and bilinear enlargement commute, so the cheap order computes what the paper's does."""
    read, coarse = torch.nn.Conv2d(16, 8, 1), torch.randn(2, 16, 6, 8)
    first = F.interpolate(read(coarse), size=(23, 31), mode="bilinear")
    after = read(F.interpolate(coarse, size=(23, 31), mode="bilinear"))
    assert torch.allclose(first, after, atol=1e-5)


def test_a_dense_block_starts_from_its_input():
    block = DRDB(8, 4)
    torch.nn.init.zeros_(block.shrink.weight), torch.nn.init.zeros_(block.shrink.bias)
    x = torch.randn(1, 8, 9, 9)
    assert torch.equal(block(x), x)


def test_a_dense_block_sees_two_pixels_further_with_every_layer():
    block = random_weights(DRDB(4, 4, layers=3))
    x = torch.zeros(1, 4, 25, 25, requires_grad=True)
    block(x)[0, :, 12, 12].sum().backward()
    rows = x.grad[0].abs().sum(dim=(0, 2)).nonzero().flatten()
    # with zeros as input some ReLUs are closed; the reach may be less but never more than 2 pixels a layer
    assert rows.min() >= 12 - 6 and rows.max() <= 12 + 6


def test_colours_stay_when_luma_is_fused():
    dice = torch.Generator().manual_seed(3)
    rgb, fused = 0.25 + torch.rand(1, 3, 6, 6, generator=dice) / 2, torch.rand(1, 1, 6, 6, generator=dice)
    weights = torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)
    new = coloured(fused, rgb)
    assert torch.allclose((new * weights).sum(1, keepdim=True), fused, atol=2e-3)
    assert torch.allclose(new - fused, rgb - (rgb * weights).sum(1, keepdim=True), atol=2e-3)


def test_only_the_last_pass_teaches_and_the_guide_learns_nothing():
    fusion, guide = FusionNet(hia(8), 8, 4, 1, seen=(16, 32)), MiT("tiny")
    rgb, ir = torch.rand(1, 3, 48, 48), torch.rand(1, 1, 48, 48)
    fused = fuse(fusion, guide, rgb, ir, ir)
    fused.mean().backward()
    assert all(p.grad is not None for p in fusion.parameters())
    assert all(p.grad is None for p in guide.parameters())
    assert not torch.allclose(fused, fuse(fusion, guide, rgb, ir, ir, passes=1))


# ---- SegFormer against segmentation-models-pytorch, where that is installed


def their_name(name):
    """Our name of a weight of the encoder in the naming of SegFormer's release."""
    _, stage, part, *rest = name.split(".")
    number = int(stage) + 1
    rest = ".".join(rest).replace("mlp.dwconv", "mlp.dwconv.dwconv")
    kinds = {
        "patch": "patch_embed{}.proj.",
        "patch_norm": "patch_embed{}.norm.",
        "blocks": "block{}.",
        "norm": "norm{}.",
    }
    return kinds[part].format(number) + rest


@pytest.mark.parametrize("name", ["b0", "b1"])
def test_segformer_equals_another_implementation(name):
    smp = pytest.importorskip("segmentation_models_pytorch", reason="a test-only dependency; pip install it to compare")
    theirs = random_weights(
        smp.Segformer(f"mit_{name}", encoder_weights=None, classes=9, decoder_segmentation_channels=64)
    )
    ours, given = Segmenter(MiT(name), 9, 64).eval(), theirs.state_dict()
    state = {f"encoder.{k}": given[f"encoder.{their_name(k)}"] for k in ours.encoder.state_dict()}
    for k, v in ours.project.state_dict().items():
        place, kind = k.split(".")
        state[f"project.{k}"] = given[f"decoder.mlp_stage.{3 - int(place)}.linear.{kind}"].reshape(v.shape)
    state["blend.weight"] = given["decoder.fuse_stage.0.weight"]
    state |= {f"norm.{k}": given[f"decoder.fuse_stage.1.{k}"] for k in ours.norm.state_dict()}
    state |= {f"classify.{k}": given[f"segmentation_head.0.{k}"] for k in ("weight", "bias")}
    ours.load_state_dict(state)
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        maps = zip(ours.encoder(normalised(image)), theirs.encoder(normalised(image))[-4:])
        assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in maps)
        want = F.interpolate(theirs.decoder(theirs.encoder(normalised(image))), size=(16, 24))
        want = F.interpolate(theirs.segmentation_head[0](want), size=image.shape[-2:], mode="bilinear")
        assert torch.allclose(ours(image), want, rtol=1e-3, atol=1e-3)


def test_all_sizes_of_the_encoder_can_be_built(unbuilt):
    with unbuilt:
        sizes = {name: count(MiT(name)) for name in MIT}
    assert sizes["tiny"] < sizes["b0"] < sizes["b1"] < sizes["b2"] < sizes["b3"] == 44_072_128


def test_maps_shrink_as_the_paper_says():
    """To a quarter, an eighth, ... of the picture, in the paper's widths, which B1 shares with B3."""
    with torch.no_grad():
        maps = MiT("b1").eval()(torch.rand(1, 3, 96, 128))
    assert MIT["b1"][0] == MIT["b3"][0] and MIT["b1"][2] == MIT["b3"][2]
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 24, 32), (128, 12, 16), (320, 6, 8), (512, 3, 4)]
