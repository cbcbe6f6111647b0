"""Released weights under our names: every key finds its place, and the networks compute what the release does."""

import pytest
import torch
import torch.nn.functional as F

from mmlib import convert
from mmlib.backbones.mit import MiT
from mmlib.models import segmif as sm

CROSS = ("channel_proj1", "channel_proj2", "channel_proj3", "end_proj1", "end_proj2", "norm1", "norm2")


def drawn(shapes, seed=0):
    """A state dict of these shapes, drawn anew."""
    dice = torch.Generator().manual_seed(seed)
    return {name: 0.1 * torch.randn(shape, generator=dice) for name, shape in shapes.items()}


def released_fusion():
    """The fusion network's state dict in the released layout."""
    shapes = {"relu.weight": (1,)}
    convs = {"conv1_ir": (64, 1, 3), "conv1_vis": (64, 1, 3), "conv2": (64, 128, 3), "conv21": (32, 64, 3)}
    convs |= {"conv22": (1, 32, 3), "conv3": (64, 64, 1), "conv4": (64, 128, 1)}
    for k in range(1, 5):
        convs |= {f"DRDB{k}.Dcov{i}": (32, 64 + 32 * (i - 1), 3) for i in range(1, 6)} | {f"DRDB{k}.conv": (64, 224, 1)}
    for name, (outputs, inputs, kernel) in convs.items():
        shapes |= {f"{name}.weight": (outputs, inputs, kernel, kernel), f"{name}.bias": (outputs,)}
    for block in ("ffm", "ffm2"):
        for name, size in zip(CROSS, ((128, 64),) * 3 + ((64, 128),) * 2 + ((64,),) * 2):
            shapes |= {f"{block}.cross.{name}.weight": size, f"{block}.cross.{name}.bias": size[:1]}
        shapes[f"{block}.cross.cross_attn.kv3.weight"] = (128, 64)
        shapes |= {f"{block}.cross.cross_attn2.kv{i}.weight": (128, 64) for i in (1, 2)}
    return drawn(shapes)


def by_the_released_names(state, ir, vis, out1, out2):
    """The fusion network as the fact sheet describes it, written with functions and the released names."""

    def conv(x, name, **options):
        return F.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], **options)

    def act(x):
        return F.prelu(x, state["relu.weight"])

    def drdb(x, k):
        found = x
        for i in range(1, 6):
            found = torch.cat([found, F.relu(conv(found, f"DRDB{k}.Dcov{i}", padding=2, dilation=2))], dim=1)
        return x + F.relu(conv(found, f"DRDB{k}.conv"))

    def linear(x, name):
        return F.linear(x, state[f"ffm.cross.{name}.weight"], state.get(f"ffm.cross.{name}.bias"))

    def mixed(query, source):
        keys, values = source.chunk(2, dim=-1)
        out = []
        for q, k, v in zip(query.split(8, -1), keys.split(8, -1), values.split(8, -1)):
            out.append(q @ (k.transpose(1, 2) @ v * 8**-0.5).softmax(dim=1))
        return torch.cat(out, dim=-1)

    def interact(x1, x2, seg):
        size = x1.shape[-2:]
        t = [x.flatten(2).transpose(1, 2) for x in (x1, x2, seg)]
        (y1, u1), (y2, u2), (y3, u3) = (
            F.relu(linear(x, f"channel_proj{i}")).chunk(2, -1) for i, x in enumerate(t, start=1)
        )
        theirs = linear(u3, "cross_attn.kv3")
        out = []
        for i, x, y, u in ((1, t[0], y1, u1), (2, t[1], y2, u2)):
            told = torch.cat([mixed(y3, linear(y, f"cross_attn2.kv{i}")), mixed(u, theirs)], dim=-1)
            norm = state[f"ffm.cross.norm{i}.weight"], state[f"ffm.cross.norm{i}.bias"]
            new = F.layer_norm(x + linear(told, f"end_proj{i}"), (64,), *norm)
            out.append(new.transpose(1, 2).unflatten(2, size))
        return out

    def enlarged(x):
        return F.interpolate(x, ir.shape[-2:], mode="bilinear")

    x1, x2 = drdb(act(conv(ir, "conv1_ir", padding=1)), 1), drdb(act(conv(vis, "conv1_vis", padding=1)), 2)
    x1, x2 = interact(x1, x2, conv(enlarged(out1), "conv3"))
    x1, x2 = interact(drdb(x1, 3), drdb(x2, 4), conv(enlarged(out2), "conv4"))
    x = act(conv(torch.cat([x1, x2], dim=1), "conv2", padding=1))
    x = act(conv(x, "conv21", padding=1))
    return act(conv(x, "conv22", padding=1))


def test_the_released_fusion_network_finds_its_place_and_computes_the_same():
    state = released_fusion()
    net = sm.FusionNet(sm.hia()).double().eval()
    net.load_state_dict(convert.segmif_fusion(state), strict=True)
    dice = torch.Generator().manual_seed(1)
    ir, vis = torch.rand(2, 1, 1, 16, 24, generator=dice).double()
    out1 = torch.randn(1, 64, 4, 6, generator=dice).double()
    out2 = torch.randn(1, 128, 2, 3, generator=dice).double()
    exact = {name: value.double() for name, value in state.items()}
    with torch.no_grad():
        want = by_the_released_names(exact, ir, vis, out1, out2)
        got = net(vis, ir, [out1, out2])
    assert float((got - want).abs().max()) < 1e-10 * float(want.abs().max())


def released_segmenter(classes=9):
    """The segmenter's state dict in the released layout, with all weights of one of ours under the released names."""
    net = sm.Segmenter(MiT("b0"), classes, 16)
    state = {}
    for name, value in net.state_dict().items():
        kind, _, rest = name.partition(".")
        if kind == "encoder":
            _, stage, part, *last = rest.split(".")
            number, last = int(stage) + 1, ".".join(last).replace("mlp.dwconv", "mlp.dwconv.dwconv")
            places = {"patch": f"patch_embed{number}.proj", "patch_norm": f"patch_embed{number}.norm"}
            places |= {"blocks": f"block{number}", "norm": f"norm{number}"}
            key = f"encoder.{places[part]}.{last}"
        elif kind.startswith("project"):
            key, value = f"decoder.linear_c{kind[-1]}.proj.{rest}", value.flatten(1) if value.ndim == 4 else value
        else:
            part = {"blend": "linear_fuse.conv", "norm": "linear_fuse.bn", "classify": "linear_pred"}[kind]
            key = f"decoder.{part}.{rest}"
        state[f"denoise_net.{key}"] = torch.randn_like(value) if value.is_floating_point() else value + 7
    state["denoise_net.classifier.weight"] = torch.randn(classes, 256, 1, 1)
    return state


def test_the_released_segmenter_finds_its_place():
    state = released_segmenter()
    made = convert.segmif_segmenter(state)
    net = sm.Segmenter(MiT("b0"), 9, 16)
    net.load_state_dict(made, strict=True)
    assert len(made) == len(state) - 1
    kept = net.state_dict()
    for ours, theirs in (
        ("encoder.stages.2.blocks.1.mlp.dwconv.weight", "encoder.block3.1.mlp.dwconv.dwconv.weight"),
        ("encoder.stages.0.patch_norm.bias", "encoder.patch_embed1.norm.bias"),
        ("norm.running_var", "decoder.linear_fuse.bn.running_var"),
        ("classify.weight", "decoder.linear_pred.weight"),
    ):
        assert torch.equal(kept[ours], state[f"denoise_net.{theirs}"])
    for stage in range(1, 5):
        released = state[f"denoise_net.decoder.linear_c{stage}.proj.weight"]
        assert torch.equal(kept[f"project{stage}.weight"].flatten(1), released)


def test_an_encoder_with_imagenets_weights_finds_its_place():
    state = {}
    for name, value in released_segmenter().items():
        if name.startswith("denoise_net.encoder."):
            state[name.removeprefix("denoise_net.encoder.")] = value
    state |= {"head.weight": torch.zeros(1000, 256), "head.bias": torch.zeros(1000)}
    MiT("b0").load_state_dict(convert.mit(state), strict=True)


def test_a_key_without_a_place_is_an_error_and_so_are_two_with_one():
    state = released_fusion()
    with pytest.raises(ValueError, match="'conv5.weight'; next: is this the right file"):
        convert.segmif_fusion(state | {"conv5.weight": torch.zeros(1)})
    with pytest.raises(ValueError, match="expected released keys that have a rule"):
        convert.segmif_fusion(released_segmenter())
    with pytest.raises(ValueError, match="expected one value for stem_ir.weight"):
        convert.segmif_fusion(state | {"module.conv1_ir.weight": torch.zeros(64, 1, 3, 3)})


def test_a_file_of_several_gpus_is_the_same():
    state = released_fusion()
    parallel = {f"module.{name}": value for name, value in state.items()}
    one, two = convert.segmif_fusion(state), convert.segmif_fusion(parallel)
    assert one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)
