"""SegMiF's parts as chapter 7 exports them: counts, slow references, and SegFormer against another implementation."""

import pytest
import torch
import torch.nn.functional as F
from as_program import defined
from torch import nn

from mmlib.backbones.mit import MIT, MiT
from mmlib.backbones.mobilenet import MIDDLE, MobileNetV2
from mmlib.book.figures import count
from mmlib.fusion import rules
from mmlib.health import look, why_silent
from mmlib.images import luma
from mmlib.models import segmif as sm


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
    monkeypatch.setattr("mmlib.models.segmif.init_weights", lambda module: None)
    monkeypatch.setattr("mmlib.backbones.mit.init_weights", lambda module: None)
    return torch.device("meta")


def test_parameter_counts_at_the_papers_size(unbuilt):
    with unbuilt:
        encoder = MiT("b3")
        whole = sm.Segmenter(encoder, classes=9)
        assert count(sm.DRDB()) == 198_880
        assert count(sm.hia()) == 66_304
        assert count(sm.FusionNet(sm.hia())) == 968_066
        assert count(sm.FusionNet(None)) == 889_346
        assert count(encoder) == 44_072_128
        assert count(whole) - count(encoder) == 528_137


def loops_over_everything(block, f_ir, f_vis, f_seg):
    """HIA of one picture's tokens (N, C) with loops in the place of tensor algebra, step by step as described."""
    heads, width = block.soam.heads, f_ir.shape[1]
    d = width // heads

    def context(keys, values, head):
        """Softmax along the keys' channels of the scaled sum over tokens of key times value."""
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

    embeddings = (block.embed_ir[0], block.embed_vis[0], block.embed_seg[0])
    y, u = zip(
        *(F.relu(e.weight @ f.T + e.bias[:, None]).T.chunk(2, 1) for e, f in zip(embeddings, (f_ir, f_vis, f_seg)))
    )
    kv_seg = block.moam.kv_seg
    results = []
    for which, own, kv, join, norm in (
        (0, f_ir, block.soam.kv_ir, block.join_ir, block.norm_ir),
        (1, f_vis, block.soam.kv_vis, block.join_vis, block.norm_vis),
    ):
        z = answer(y[2], *(y[which] @ kv.weight.T).chunk(2, 1))
        v = answer(u[which], *(u[2] @ kv_seg.weight.T).chunk(2, 1))
        joined = own + torch.cat([z, v], 1) @ join.weight.T + join.bias
        centred = joined - joined.mean(1, keepdim=True)
        spread = (centred.square().mean(1, keepdim=True) + norm.eps).sqrt()
        results.append(centred / spread * norm.weight + norm.bias)
    return results


def test_hia_equals_slow_loops():
    block = random_weights(sm.hia(16))
    dice = torch.Generator().manual_seed(1)
    features = [torch.randn(1, 16, 3, 4, generator=dice) for _ in range(3)]
    with torch.no_grad():
        want = loops_over_everything(block, *(f[0].flatten(1).T for f in features))
        for got, slow in zip(block(*features), want):
            assert torch.allclose(got[0].flatten(1).T, slow, atol=1e-5)


def test_a_table_is_a_weighting_and_reads_pixels_in_any_order():
    dice = torch.Generator().manual_seed(0)
    query, key, value = torch.randn(3, 2, 20, 16, generator=dice)
    order = torch.randperm(20, generator=dice)
    table = sm.selection(key, value, heads=2)
    assert table.shape == (2, 2, 8, 8) and torch.allclose(table.sum(dim=-2), torch.ones(2, 2, 8))
    assert torch.allclose(table, sm.selection(key[:, order], value[:, order], 2), atol=1e-5)
    assert not torch.allclose(table, sm.selection(key[:, order], value, 2), atol=1e-3)
    for n in range(20):
        assert torch.allclose(sm.attend(query, table)[:, n], sm.attend(query[:, n : n + 1], table)[:, 0], atol=1e-5)


def test_a_table_keeps_its_digits_under_autocast():
    """A sum over many pixels in bfloat16 would be off by whole units, and the softmax with it."""
    dice = torch.Generator().manual_seed(0)
    key, value = torch.randn(2, 1, 20_000, 8, generator=dice).bfloat16()
    want = sm.selection(key.double(), value.double(), 1)
    with torch.autocast("cpu", torch.bfloat16):
        got = sm.selection(key, value, 1)
    assert got.dtype == torch.float32 and torch.allclose(got.double(), want, atol=1e-3)


def test_four_times_the_pixels_make_a_harder_choice():
    dice = torch.Generator().manual_seed(0)
    key, value = 0.1 * torch.randn(2, 1, 50, 8, generator=dice)
    once = sm.selection(key, value, 1).amax(dim=-2).mean()
    four = sm.selection(key.repeat(1, 4, 1), value.repeat(1, 4, 1), 1).amax(dim=-2).mean()
    assert float(four) > float(once) + 0.005


def test_rivals_do_what_they_say():
    dice = torch.Generator().manual_seed(3)
    ir, vis, seg = torch.randn(3, 2, 8, 6, 7, generator=dice)
    add = random_weights(sm.Addition(8))
    assert torch.allclose(add(ir, vis, seg)[0], add.conv_ir(ir + seg)) and count(add) == 2 * (9 * 8 * 8 + 8)
    side = random_weights(sm.Concatenation(8))
    without = side.conv_vis(torch.cat([vis, 0 * seg], dim=1))
    assert not torch.allclose(side(ir, vis, seg)[1], without), "the segmenter's features matter"
    alone = random_weights(sm.HIA(8, sm.SoAM(8, 1), sm.Nothing()))
    both = random_weights(sm.HIA(8, sm.SoAM(8, 1), sm.MoAM(8, 1)))
    both.load_state_dict(alone.state_dict(), strict=False)
    with torch.no_grad():
        both.join_ir.weight[:, 8:] = 0  # whatever MoAM says
        assert torch.allclose(alone(ir, vis, seg)[0], both(ir, vis, seg)[0], atol=1e-6)


def test_each_sample_of_a_batch_is_fused_by_itself():
    fusion = random_weights(sm.FusionNet(sm.hia(8), 8, 4, 2, seg_channels=(16, 32)))
    dice = torch.Generator().manual_seed(2)
    vis, ir = torch.rand(2, 3, 1, 24, 32, generator=dice)
    features = [torch.randn(3, 16, 12, 16, generator=dice), torch.randn(3, 32, 6, 8, generator=dice)]
    with torch.no_grad():
        whole = fusion(vis, ir, features)
        alone = fusion(vis[1:2], ir[1:2], [f[1:2] for f in features])
    assert whole.shape == (3, 1, 24, 32) and torch.allclose(whole[1:2], alone, rtol=1e-4, atol=1e-5)


def test_both_places_use_one_block():
    fusion = sm.FusionNet(sm.hia(8), 8, 4, 1, seg_channels=(16, 32))
    calls = []
    fusion.interaction.register_forward_hook(lambda *_: calls.append(1))
    fusion(torch.rand(1, 1, 8, 8), torch.rand(1, 1, 8, 8), [torch.rand(1, 16, 2, 2), torch.rand(1, 32, 1, 1)])
    assert len(calls) == 2


def test_reading_before_enlarging_is_the_same_as_after():
    """A 1 x 1 convolution and bilinear enlargement commute, so the cheap order computes what the paper's does."""
    read, coarse = nn.Conv2d(16, 8, 1), torch.randn(2, 16, 6, 8)
    first = sm.enlarge(read(coarse), (23, 31))
    after = read(sm.enlarge(coarse, (23, 31)))
    assert torch.allclose(first, after, atol=1e-5)


def test_a_dense_block_starts_from_its_input():
    block = sm.DRDB(8, 4)
    torch.nn.init.zeros_(block.reduce.weight), torch.nn.init.zeros_(block.reduce.bias)
    x = torch.randn(1, 8, 9, 9)
    assert torch.equal(block(x), x)


def test_a_dense_block_sees_two_pixels_further_with_every_layer():
    block = random_weights(sm.DRDB(4, 4, layers=3))
    x = torch.zeros(1, 4, 25, 25, requires_grad=True)
    block(x)[0, :, 12, 12].sum().backward()
    rows = x.grad[0].abs().sum(dim=(0, 2)).nonzero().flatten()
    # with zeros as input some ReLUs are closed; the reach may be less but never more than 2 pixels a layer
    assert rows.min() >= 12 - 6 and rows.max() <= 12 + 6


def small(picture="fused", passes=2):
    """A whole system, small; its encoder is our tiny mix transformer."""
    torch.manual_seed(0)
    segmenter = sm.Segmenter(MiT("tiny"), 5, 16)
    fusion = sm.FusionNet(sm.hia(8), 8, 4, 1, seg_channels=(16, 32)) if picture == "fused" else None
    return sm.SegMiF(segmenter, fusion, picture, passes)


def test_only_the_last_pass_is_trained_through_and_the_guide_learns_nothing():
    net = small()
    rgb, ir = torch.rand(1, 3, 48, 48), torch.rand(1, 1, 48, 48)
    target = rules.by_saliency(luma(rgb), ir)
    fused = net.fused_luma(rgb, ir, target)
    fused.mean().backward()
    assert all(p.grad is not None for p in net.fusion.parameters())
    assert not any(p.requires_grad for p in net.guide.parameters()) and len(net.guide.stages) == 2
    assert not torch.allclose(fused, small(passes=1).fused_luma(rgb, ir, target))


def test_the_guide_is_a_copy_of_the_moment():
    net = small()
    before = {name: value.clone() for name, value in net.guide.state_dict().items()}
    with torch.no_grad():
        for p in net.segmenter.parameters():
            p.add_(1.0)
    assert all(torch.equal(value, before[name]) for name, value in net.guide.state_dict().items())
    assert not torch.equal(
        sm.frozen_copy(net.segmenter.encoder).stages[0].patch.weight, net.guide.stages[0].patch.weight
    )


def test_what_the_rivals_read():
    rgb, ir = torch.rand(2, 3, 32, 48), torch.rand(2, 1, 32, 48)
    target = rules.by_saliency(luma(rgb), ir)
    assert torch.equal(small("rgb").image(rgb, ir, target), rgb)
    assert torch.equal(small("ir").image(rgb, ir, target), ir.expand(2, 3, 32, 48))
    assert torch.equal(small("stacked").image(rgb, ir, target), torch.cat([rgb, ir], dim=1))
    for name, rule in sm.RULES.items():
        want = sm.add_chroma(rule(luma(rgb), ir), rgb).clamp(0, 1)
        assert torch.equal(small(name).image(rgb, ir, target), want)
    assert torch.allclose(sm.RULES["saliency"](luma(rgb), ir), target)


@pytest.mark.parametrize("make", [lambda: MiT("tiny"), lambda: sm.MobileNetEncoder(MobileNetV2(16, MIDDLE))])
def test_stacked_inputs_start_as_the_average_of_both(make):
    torch.manual_seed(1)
    plain = sm.Segmenter(make(), 5, 16).eval()
    stacked = sm.Segmenter(make(), 5, 16).eval()
    stacked.load_state_dict(plain.state_dict())
    sm.stack_infrared(stacked.encoder)
    grey = torch.rand(1, 1, 32, 48)
    with torch.no_grad():
        want = plain(grey.expand(1, 3, 32, 48))
        got = stacked(torch.cat([grey.expand(1, 3, 32, 48), grey], dim=1))
        # Not to the digit: a fourth channel is normalised by the mean of the three colours' means.
        assert torch.allclose(got, want, atol=0.05 * float(want.std()) + 0.02)
    assert next(m for m in stacked.encoder.modules() if isinstance(m, nn.Conv2d)).weight.requires_grad


def test_the_encoder_with_imagenets_weights_gives_maps_where_the_transformer_does():
    encoder = sm.MobileNetEncoder(MobileNetV2(16, MIDDLE)).eval()
    maps = encoder(torch.rand(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [(24, 16, 24), (32, 8, 12), (64, 4, 6), (96, 4, 6)]
    assert tuple(m.shape[1] for m in maps) == encoder.channels and all(p.requires_grad for p in encoder.parameters())
    assert len(encoder(torch.rand(1, 3, 64, 96), stages=2)) == 2


# ---- what the notebook defines and doesn't export


CHAPTER = defined("07_segmif", "DynamicWeights", "parts_of", HIA=sm.HIA, SoAM=sm.SoAM, MoAM=sm.MoAM)


def test_dynamic_weights_are_the_formula_and_survive_a_restart():
    weigh = CHAPTER["DynamicWeights"](temperature=2.0, first=2)
    given = [torch.tensor(pair) for pair in ([1.0, 1.0], [1.5, 1.0], [1.5, 2.0], [1.0, 1.0])]
    found = [weigh(losses) for losses in given[:3]]
    assert found[0].tolist() == found[1].tolist() == [1.0, 1.0]
    assert torch.allclose(found[2], 2 * torch.tensor([1.5 / 2, 1.0 / 2]).softmax(dim=0))
    other = CHAPTER["DynamicWeights"](temperature=2.0, first=2)
    other.load_state_dict(weigh.state_dict())
    assert torch.equal(other(given[3]), weigh(given[3])) and float(other(given[3]).sum()) == pytest.approx(2.0)


def test_dynamic_weights_of_the_released_code_are_constant():
    weigh = CHAPTER["DynamicWeights"](temperature=1000.0, first=2)
    for losses in ([1.0, 1.0], [1.5, 1.0], [2.0, 1.0]):
        found = weigh(torch.tensor(losses))
    assert torch.allclose(found, torch.ones(2), atol=1e-3)


def test_health_finds_a_block_whose_embeddings_died():
    torch.manual_seed(0)
    fusion = sm.FusionNet(sm.hia(16), 16, 8, 2, seg_channels=(16, 32))
    vis, ir = torch.rand(2, 3, 1, 24, 32)
    features = [torch.randn(3, 16, 12, 16), torch.randn(3, 32, 6, 8)]
    parts = CHAPTER["parts_of"](fusion)

    def reasons():
        found = look(lambda: (fusion(vis, ir, features) - ir).square().mean(), parts)
        return {name: why for name, reading in found.items() if (why := why_silent(reading))}

    # At the start the tables of a small image are nearly uniform, and what they add is small. All else lives.
    assert set(reasons()) <= {"SoAM", "MoAM", "HIA ir", "HIA vis"}
    with torch.no_grad():
        for embed in (fusion.interaction.embed_ir, fusion.interaction.embed_vis, fusion.interaction.embed_seg):
            embed[0].bias.fill_(-100.0)
    found = reasons()
    assert {"SoAM", "MoAM", "HIA ir", "HIA vis", "embedding ir"} <= set(found)
    assert "never fire" in found["embedding ir"]


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
    ours, given = sm.Segmenter(MiT(name), 9, 64).eval(), theirs.state_dict()
    state = {f"encoder.{k}": given[f"encoder.{their_name(k)}"] for k in ours.encoder.state_dict()}
    for stage in range(1, 5):
        for kind in ("weight", "bias"):
            own = ours.state_dict()[f"project{stage}.{kind}"]
            state[f"project{stage}.{kind}"] = given[f"decoder.mlp_stage.{4 - stage}.linear.{kind}"].reshape(own.shape)
    state["blend.weight"] = given["decoder.fuse_stage.0.weight"]
    state |= {f"norm.{k}": given[f"decoder.fuse_stage.1.{k}"] for k in ours.norm.state_dict()}
    state |= {f"classify.{k}": given[f"segmentation_head.0.{k}"] for k in ("weight", "bias")}
    ours.load_state_dict(state)
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        normal = sm.normalised(image)
        maps = zip(ours.encoder(normal), theirs.encoder(normal)[-4:])
        assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-4) for a, b in maps)
        want = F.interpolate(theirs.decoder(theirs.encoder(normal)), size=(16, 24))
        want = F.interpolate(theirs.segmentation_head[0](want), size=image.shape[-2:], mode="bilinear")
        assert torch.allclose(ours(image), want, rtol=1e-3, atol=1e-3)


def test_all_sizes_of_the_encoder_can_be_built(unbuilt):
    with unbuilt:
        sizes = {name: count(MiT(name)) for name in MIT}
    assert sizes["tiny"] < sizes["b0"] < sizes["b1"] < sizes["b2"] < sizes["b3"] == 44_072_128


def test_deeper_blocks_are_left_out_more_often():
    blocks = [block.drop_path.p for stage in MiT("b0", drop=0.1).stages for block in stage.blocks]
    assert blocks == pytest.approx([0.1 * i / 7 for i in range(8)])


def test_maps_shrink_as_the_paper_says():
    """To a quarter, an eighth, ... of the picture, in the paper's widths, which B1 shares with B3."""
    with torch.no_grad():
        maps = MiT("b1").eval()(torch.rand(1, 3, 96, 128))
    assert MIT["b1"][0] == MIT["b3"][0] and MIT["b1"][2] == MIT["b3"][2]
    assert [tuple(m.shape[1:]) for m in maps] == [(64, 24, 32), (128, 12, 16), (320, 6, 8), (512, 3, 4)]
