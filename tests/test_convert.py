"""Released weights under our names: every key finds its place, and the networks compute what the release does."""

import pytest
import torch
import torch.nn.functional as F

from mmlib import convert
from mmlib.backbones.mit import MiT
from mmlib.models import segmif as sm
from mmlib.models.tsjnet import TSJNet

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


# ---------------------------------------------------------------------------------------------------------------------
# TSJNet


def released_branches(dice, relative_bias=True):
    """A base and a detail branch in the released layout, with what is never called."""

    def drawn(*shape):
        return torch.randn(*shape, generator=dice) * 0.1

    def conv(name, outputs, inputs, size, bias=True):
        made = {f"{name}.weight": drawn(outputs, inputs, size, size)}
        return made | ({f"{name}.bias": drawn(outputs)} if bias else {})

    def pair(name, *shape):
        return {f"{name}.weight": drawn(*shape), f"{name}.bias": drawn(shape[0])}

    base = pair("norm1.body", 64)
    base |= conv("attn.patch_embed.proj.0", 32, 64, 3) | conv("attn.patch_embed.proj.1", 64, 32, 3)
    base |= pair("attn.patch_embed.norm", 64) | pair("attn.norm", 64)
    base |= conv("attn.avgpool", 64, 64, 1) | conv("attn.conv_head", 64, 64, 1)
    for level, depth in enumerate((3, 4, 6, 5)):
        width, heads = 64 * 2**level, 2 * 2**level
        for number in range(depth):
            block = f"attn.levels.{level}.blocks.{number}"
            base |= pair(f"{block}.norm1", width) | pair(f"{block}.norm2", width)
            base |= pair(f"{block}.attn.qkv", 3 * width, width) | pair(f"{block}.attn.proj", width, width)
            base |= pair(f"{block}.mlp.fc1", 3 * width, width) | pair(f"{block}.mlp.fc2", width, 3 * width)
            if relative_bias:
                base[f"{block}.attn.rpb"] = drawn(heads, 13, 13)
        if level < 3:
            smaller = f"attn.levels.{level}.downsample"
            base |= conv(f"{smaller}.reduction", 2 * width, width, 3, bias=False) | pair(f"{smaller}.norm", 2 * width)
    base |= conv("attn.conv1.0", 128, 512, 3) | conv("attn.conv2.0", 64, 128, 3)
    for number, size in enumerate((4, 4, 2), start=1):
        base |= conv(f"attn.transposed_conv{number}", 64, 64, size, bias=False)

    detail = {}
    for name in ("convp1", "convp2"):
        detail |= conv(f"{name}.0", 64, 64, 3, bias=False) | normed(f"{name}.1", 64, drawn)
    detail |= conv("coa.conv.0", 64, 64, 1) | conv("conv1.1", 64, 64, 1) | conv("conv4", 64, 64, 3)
    detail |= conv("conv_transpose", 64, 64, 2)
    detail |= {"fc1.weight": drawn(32, 64), "fc2.weight": drawn(64, 32)}
    for number in range(8):
        detail |= conv(f"spa.conv.{number}", 1, 8, 1)
    return base, detail


def normed(name, width, drawn):
    """A batch norm's entries."""
    return {
        f"{name}.weight": 1 + drawn(width),
        f"{name}.bias": drawn(width),
        f"{name}.running_mean": drawn(width),
        f"{name}.running_var": 1 + drawn(width).abs(),
        f"{name}.num_batches_tracked": torch.tensor(7),
    }


def released_trunk(inputs, dice):
    """A trunk in the released layout."""

    def drawn(*shape):
        return torch.randn(*shape, generator=dice) * 0.1

    def conv(name, outputs, inputs, size, bias=True):
        made = {f"{name}.weight": drawn(outputs, inputs, size, size)}
        return made | ({f"{name}.bias": drawn(outputs)} if bias else {})

    state = {}
    for layer, (into, out) in enumerate(((inputs, 64), (64, 64), (64, 128))):
        state |= conv(f"deep_stem.{3 * layer}", out, into, 3) | normed(f"deep_stem.{3 * layer + 1}", out, drawn)
    for number, into in enumerate((128, 512)):
        block = f"layer1.{number}"
        state |= conv(f"{block}.conv1.0", 128, into, 1) | normed(f"{block}.conv1.1", 128, drawn)
        state |= conv(f"{block}.conv2.radix_conv.0", 256, 64, 3) | normed(f"{block}.conv2.radix_conv.1", 256, drawn)
        state |= conv(f"{block}.conv2.fc1.0", 64, 128, 1, bias=False) | normed(f"{block}.conv2.fc1.1", 64, drawn)
        state |= conv(f"{block}.conv2.fc2.0", 256, 64, 1, bias=False) | normed(f"{block}.conv2.fc2.1", 256, drawn)
        state |= conv(f"{block}.conv3.0", 512, 128, 1) | normed(f"{block}.conv3.1", 512, drawn)
    state |= conv("layer1.0.shortcut.1", 512, 128, 1, bias=False) | normed("layer1.0.shortcut.2", 512, drawn)
    return {f"ResNest.{name}": value for name, value in state.items()}


def released_tsjnet(relative_bias=True):
    """A whole file of TSJNet in the released layout, with random numbers."""
    dice = torch.Generator().manual_seed(0)
    base, detail = released_branches(dice, relative_bias)
    encoder = {f"baseFeature.{name}": value for name, value in base.items()}
    encoder |= {f"detailFeature.{name}": value for name, value in detail.items()}
    encoder |= released_trunk(3, dice) | {"patch_embed.proj.weight": torch.randn(3, 1, 3, 3, generator=dice)}
    for number, (into, out) in enumerate(((512, 256), (256, 128), (128, 64)), start=1):
        encoder[f"conv{number}.0.weight"] = torch.randn(out, into, 3, 3, generator=dice) * 0.02
        encoder[f"conv{number}.0.bias"] = torch.randn(out, generator=dice)
    decoder = released_trunk(32, dice) | {"reduce_channel.weight": torch.randn(32, 128, 1, 1, generator=dice)}
    decoder |= {"output.0.weight": torch.randn(256, 512, 3, 3, generator=dice) * 0.02}
    decoder |= {"output.2.weight": torch.randn(1, 256, 3, 3, generator=dice) * 0.02}
    for number in range(8):
        decoder[f"spa.conv.{number}.weight"] = torch.randn(1, 16, 1, 1, generator=dice)
        decoder[f"spa.conv.{number}.bias"] = torch.randn(1, generator=dice)
    fuse_base, fuse_detail = released_branches(dice, relative_bias)
    return {
        "DIDF_Encoder": encoder,
        "DIDF_Decoder": decoder,
        "BaseFuseLayer": fuse_base,
        "DetailFuseLayer": fuse_detail,
    }


@pytest.fixture(scope="module")
def tsjnet_file():
    return released_tsjnet()


def test_the_released_tsjnet_finds_its_place(tsjnet_file):
    released = sum(v.numel() for part in tsjnet_file.values() for k, v in part.items() if is_parameter(k))
    assert released == 45_133_055, "the layout that is tested here has the released network's number of parameters"
    made = convert.tsjnet(tsjnet_file)
    with torch.device("meta"):
        net = TSJNet()
    net.load_state_dict(made, strict=True, assign=True)
    kept, encoder = net.state_dict(), tsjnet_file["DIDF_Encoder"]
    for ours, theirs in (
        ("encoder.base.levels.1.norm.weight", "baseFeature.attn.levels.0.downsample.norm.weight"),
        ("encoder.base.levels.0.norm.bias", "baseFeature.attn.patch_embed.norm.bias"),
        ("encoder.base.levels.3.blocks.4.attn.relative_bias", "baseFeature.attn.levels.3.blocks.4.attn.rpb"),
        ("encoder.base.levels.2.blocks.5.mlp.2.weight", "baseFeature.attn.levels.2.blocks.5.mlp.fc2.weight"),
        ("encoder.base.upsample.2.weight", "baseFeature.attn.transposed_conv3.weight"),
        ("encoder.trunk.4.residual.1.attn.4.running_var", "ResNest.layer1.1.conv2.fc2.1.running_var"),
        ("encoder.trunk.2.0.weight", "ResNest.deep_stem.6.weight"),
        ("encoder.reduce.4.bias", "conv3.0.bias"),
        ("encoder.detail.channel_attention.2.weight", "detailFeature.fc2.weight"),
        ("encoder.detail.conv1.0.weight", "detailFeature.convp1.0.weight"),
        ("encoder.detail.project.1.weight", "detailFeature.conv1.1.weight"),
    ):
        assert torch.equal(kept[ours], encoder[theirs]), ours
    for number in range(8):
        assert torch.equal(kept["decoder.gates.score.weight"][number], gate(tsjnet_file, number, "weight")[0])
        assert kept["decoder.gates.score.bias"][number] == gate(tsjnet_file, number, "bias")
    assert torch.equal(kept["fuse_base.norm.weight"], tsjnet_file["BaseFuseLayer"]["norm1.body.weight"])


def is_parameter(name):
    """Whether an entry of a state dict is learned."""
    return not name.endswith(("running_mean", "running_var", "num_batches_tracked"))


def gate(file, number, kind):
    """An entry of one of the eight gates."""
    return file["DIDF_Decoder"][f"spa.conv.{number}.{kind}"]


def test_without_a_relative_bias_it_is_zero():
    made = convert.tsjnet(released_tsjnet(relative_bias=False))
    with torch.device("meta"):
        net = TSJNet()
    net.load_state_dict(made, strict=True, assign=True)
    biases = {name: value for name, value in net.state_dict().items() if name.endswith("relative_bias")}
    assert len(biases) == 2 * 18 and all(not value.any() for value in biases.values())


def test_a_tsjnet_file_with_a_strange_key_or_without_a_part_is_refused(tsjnet_file):
    strange = tsjnet_file | {"BaseFuseLayer": tsjnet_file["BaseFuseLayer"] | {"attn.gamma": torch.zeros(1)}}
    with pytest.raises(ValueError, match="'attn.gamma'; next: is this the right file"):
        convert.tsjnet(strange)
    with pytest.raises(ValueError, match="got none called 'DetailFuseLayer'"):
        convert.tsjnet({name: part for name, part in tsjnet_file.items() if name != "DetailFuseLayer"})
