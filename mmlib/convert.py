"""Released weights, renamed for the networks of this book: one function per network, from a state dict to a state dict.

    state = mmlib.files.read_state("modelfusion-final2.pth")
    fusion = FusionNet(hia())
    fusion.load_state_dict(segmif_fusion(state), strict=True)

Only names change; no number does. What a released file holds and its program never uses is left out, by name, and any
other key that has no place is an error, so that nothing is dropped in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

Rule = tuple[str, str]
"""A pattern for a whole released key, as a regular expression, and our key for it, with groups such as ``\\1``."""


def renamed(state: Mapping[str, Tensor], rules: Sequence[Rule], unused: Sequence[str] = ()) -> dict[str, Tensor]:
    """A state dict under new names.

    Args:
        state: as released; the prefix "module." of nn.DataParallel is taken away.
        rules: the first that matches a whole key names it.
        unused: patterns of whole keys that are left out.

    Raises:
        ValueError: a key has no rule, or two keys get one name.
    """
    made: dict[str, Tensor] = {}
    for released, value in state.items():
        key = released.removeprefix("module.")
        if any(re.fullmatch(pattern, key) for pattern in unused):
            continue
        name = next((re.sub(pattern, ours, key) for pattern, ours in rules if re.fullmatch(pattern, key)), None)
        if name is None:
            raise ValueError(
                f"expected released keys that have a rule, got {released!r}; next: is this the right file?"
            )
        if name in made:
            raise ValueError(f"expected one value for {name}, got a second one from {released!r}; next: mend the rules")
        made[name] = value
    return made


# ---------------------------------------------------------------------------------------------------------------------
# SegMiF: the fusion network that its release calls Fusion_Network3_ac, and the segmenter in its Network3


def _segmif_fusion_rules() -> list[Rule]:
    rules = [
        (r"conv1_ir\.(.+)", r"stem_ir.\1"),
        (r"conv1_vis\.(.+)", r"stem_vis.\1"),
        (r"relu\.weight", "act.weight"),
        (r"conv3\.(.+)", r"seg1.\1"),
        (r"conv4\.(.+)", r"seg2.\1"),
        (r"conv2\.(.+)", r"merge1.\1"),
        (r"conv21\.(.+)", r"merge2.\1"),
        (r"conv22\.(.+)", r"merge3.\1"),
        (r"ffm\.cross\.channel_proj1\.(.+)", r"interaction.embed_ir.0.\1"),
        (r"ffm\.cross\.channel_proj2\.(.+)", r"interaction.embed_vis.0.\1"),
        (r"ffm\.cross\.channel_proj3\.(.+)", r"interaction.embed_seg.0.\1"),
        (r"ffm\.cross\.cross_attn2\.kv1\.(.+)", r"interaction.soam.kv_ir.\1"),
        (r"ffm\.cross\.cross_attn2\.kv2\.(.+)", r"interaction.soam.kv_vis.\1"),
        (r"ffm\.cross\.cross_attn\.kv3\.(.+)", r"interaction.moam.kv_seg.\1"),
        (r"ffm\.cross\.end_proj1\.(.+)", r"interaction.join_ir.\1"),
        (r"ffm\.cross\.end_proj2\.(.+)", r"interaction.join_vis.\1"),
        (r"ffm\.cross\.norm1\.(.+)", r"interaction.norm_ir.\1"),
        (r"ffm\.cross\.norm2\.(.+)", r"interaction.norm_vis.\1"),
    ]
    for number, block in enumerate(("drdb1_ir", "drdb1_vis", "drdb2_ir", "drdb2_vis"), start=1):
        rules.append((rf"DRDB{number}\.conv\.(.+)", rf"{block}.reduce.\1"))
        for layer in range(5):
            rules.append((rf"DRDB{number}\.Dcov{layer + 1}\.(.+)", rf"{block}.convs.{layer}.\1"))
    return rules


def _mit_rules(released: str = "", ours: str = "") -> list[Rule]:
    """Rules for a mix transformer, whose keys stand under the prefix `released` there and `ours` here."""
    rules = []
    for stage in range(4):
        there, here = stage + 1, f"{ours}stages.{stage}"
        rules += [
            (rf"{released}patch_embed{there}\.proj\.(.+)", rf"{here}.patch.\1"),
            (rf"{released}patch_embed{there}\.norm\.(.+)", rf"{here}.patch_norm.\1"),
            (rf"{released}block{there}\.(\d+)\.mlp\.dwconv\.dwconv\.(.+)", rf"{here}.blocks.\1.mlp.dwconv.\2"),
            (rf"{released}block{there}\.(.+)", rf"{here}.blocks.\1"),
            (rf"{released}norm{there}\.(.+)", rf"{here}.norm.\1"),
        ]
    return rules


def _segmif_segmenter_rules() -> list[Rule]:
    rules = _mit_rules(r"denoise_net\.encoder\.", "encoder.")
    for stage in range(1, 5):
        rules.append((rf"denoise_net\.decoder\.linear_c{stage}\.proj\.(.+)", rf"project{stage}.\1"))
    rules += [
        (r"denoise_net\.decoder\.linear_fuse\.conv\.(.+)", r"blend.\1"),
        (r"denoise_net\.decoder\.linear_fuse\.bn\.(.+)", r"norm.\1"),
        (r"denoise_net\.decoder\.linear_pred\.(.+)", r"classify.\1"),
    ]
    return rules


def segmif_fusion(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """SegMiF's fusion network as released -> for `mmlib.models.segmif.FusionNet(hia())`.

    Its second attention block, `ffm2`, is created and never used. ValueError for any other unknown key.
    """
    return renamed(state, _segmif_fusion_rules(), unused=(r"ffm2\..*",))


def segmif_segmenter(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """SegMiF's segmenter as released -> for `mmlib.models.segmif.Segmenter(MiT("b3"), classes)`.

    Its second classifier is never used for the loss. ValueError for any other unknown key.
    """
    made = renamed(state, _segmif_segmenter_rules(), unused=(r"denoise_net\.classifier\..*",))
    return {name: _as_convolution(name, value) for name, value in made.items()}


def mit(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """SegFormer's encoder with ImageNet weights, as released (mit_b3.pth) -> for `mmlib.backbones.mit.MiT`.

    ImageNet's classifier is left out. ValueError for any other unknown key.
    """
    return renamed(state, _mit_rules(), unused=(r"head\..*",))


def _as_convolution(name: str, value: Tensor) -> Tensor:
    """The release projects tokens by linear layers where ours projects maps by 1 x 1 convolutions: the same weights."""
    return value[:, :, None, None] if re.fullmatch(r"project\d\.weight", name) else value


# ---------------------------------------------------------------------------------------------------------------------
# TSJNet: four state dicts in one file, by the names that CDDFuse had left in its code


def _nat_rules(released: str, ours: str) -> list[Rule]:
    """Rules for a base branch: a norm, then neighbourhood attention at four levels."""
    there, here = rf"{released}attn\.", ours
    rules = [
        (rf"{released}norm1\.body\.(.+)", rf"{here}norm.\1"),
        (rf"{there}patch_embed\.proj\.(.+)", rf"{here}levels.0.downsample.\1"),
        (rf"{there}patch_embed\.norm\.(.+)", rf"{here}levels.0.norm.\1"),
        (rf"{there}levels\.(\d)\.blocks\.(\d)\.attn\.rpb", rf"{here}levels.\1.blocks.\2.attn.relative_bias"),
        (rf"{there}levels\.(\d)\.blocks\.(\d)\.mlp\.fc1\.(.+)", rf"{here}levels.\1.blocks.\2.mlp.0.\3"),
        (rf"{there}levels\.(\d)\.blocks\.(\d)\.mlp\.fc2\.(.+)", rf"{here}levels.\1.blocks.\2.mlp.2.\3"),
        (rf"{there}levels\.(\d)\.blocks\.(.+)", rf"{here}levels.\1.blocks.\2"),
        (rf"{there}conv1\.0\.(.+)", rf"{here}reduce.0.\1"),
        (rf"{there}conv2\.0\.(.+)", rf"{here}reduce.2.\1"),
    ]
    for level in range(3):  # the release counts what makes a map smaller to the level before, ours to the level after
        smaller = rf"{there}levels\.{level}\.downsample"
        rules.append((rf"{smaller}\.reduction\.(.+)", rf"{here}levels.{level + 1}.downsample.\1"))
        rules.append((rf"{smaller}\.norm\.(.+)", rf"{here}levels.{level + 1}.norm.\1"))
        rules.append((rf"{there}transposed_conv{level + 1}\.(.+)", rf"{here}upsample.{level}.\1"))
    return rules


def _dsm_rules(released: str, ours: str) -> list[Rule]:
    """Rules for a detail branch."""
    return [
        (rf"{released}convp1\.(.+)", rf"{ours}conv1.\1"),
        (rf"{released}coa\.conv\.(.+)", rf"{ours}conv1x1.\1"),
        (rf"{released}convp2\.(.+)", rf"{ours}conv2.\1"),
        (rf"{released}conv1\.(.+)", rf"{ours}project.\1"),
        (rf"{released}conv4\.(.+)", rf"{ours}salient.0.\1"),
        (rf"{released}fc1\.(.+)", rf"{ours}channel_attention.0.\1"),
        (rf"{released}fc2\.(.+)", rf"{ours}channel_attention.2.\1"),
        (rf"{released}conv_transpose\.(.+)", rf"{ours}upsample.\1"),
    ]


def _resnest_rules(ours: str) -> list[Rule]:
    """Rules for a trunk: three layers and two bottlenecks of ResNeSt."""
    rules = []
    for layer in range(3):
        rules.append((rf"ResNest\.deep_stem\.{3 * layer}\.(.+)", rf"{ours}{layer}.0.\1"))
        rules.append((rf"ResNest\.deep_stem\.{3 * layer + 1}\.(.+)", rf"{ours}{layer}.1.\1"))
    for block in range(2):
        there, here = rf"ResNest\.layer1\.{block}", f"{ours}{3 + block}"
        rules += [
            (rf"{there}\.conv1\.(.+)", rf"{here}.residual.0.\1"),
            (rf"{there}\.conv2\.radix_conv\.(.+)", rf"{here}.residual.1.split.\1"),
            (rf"{there}\.conv2\.fc1\.(.+)", rf"{here}.residual.1.attn.\1"),
            (rf"{there}\.conv2\.fc2\.0\.(.+)", rf"{here}.residual.1.attn.3.\1"),
            (rf"{there}\.conv2\.fc2\.1\.(.+)", rf"{here}.residual.1.attn.4.\1"),
            (rf"{there}\.conv3\.0\.(.+)", rf"{here}.residual.2.\1"),
            (rf"{there}\.conv3\.1\.(.+)", rf"{here}.residual.3.\1"),
            (rf"{there}\.shortcut\.(.+)", rf"{here}.shortcut.\1"),
        ]
    return rules


def _never_called(nat: str = "", dsm: str = "") -> list[str]:
    """Patterns of what the release builds and its forward never calls."""
    parts = [rf"{nat}attn\.norm\..+", rf"{nat}attn\.avgpool\..+", rf"{nat}attn\.conv_head\..+"]
    return [*parts, rf"{dsm}spa\..+"]


def tsjnet(file: Mapping[str, Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """TSJNet as released, a file of four state dicts -> for `mmlib.models.tsjnet.TSJNet()`.

    The eight gates of the decoder are eight convolutions there and one with groups here. Newer builds of natten have no
    relative position bias; where it is missing, it is 0. Layers that are never called are left out. ValueError for a
    missing part or any other unknown key.
    """
    wanted = ("DIDF_Encoder", "DIDF_Decoder", "BaseFuseLayer", "DetailFuseLayer")
    if missing := [name for name in wanted if name not in file]:
        raise ValueError(f"expected the parts {', '.join(wanted)}, got none called {missing[0]!r}; is this the file?")

    encoder = [(r"patch_embed\.proj\.(.+)", r"embed.1.\1")]
    encoder += [(rf"conv{number}\.0\.(.+)", rf"reduce.{2 * number - 2}.\1") for number in (1, 2, 3)]
    encoder += _resnest_rules("trunk.")
    encoder += _nat_rules(r"baseFeature\.", "base.")
    encoder += _dsm_rules(r"detailFeature\.", "detail.")

    decoder = [(r"reduce_channel\.(.+)", r"reduce.\1"), (r"output\.(.+)", r"head.\1")]
    decoder += [(r"spa\.conv\.(\d)\.(.+)", r"gate \1.\2")]
    decoder += _resnest_rules("trunk.")

    parts = {
        "encoder": renamed(file["DIDF_Encoder"], encoder, _never_called(r"baseFeature\.", r"detailFeature\.")),
        "decoder": renamed(file["DIDF_Decoder"], decoder),
        "fuse_base": renamed(file["BaseFuseLayer"], _nat_rules("", ""), _never_called()),
        "fuse_detail": renamed(file["DetailFuseLayer"], _dsm_rules("", ""), _never_called()),
    }
    for kind in ("weight", "bias"):
        gates = [parts["decoder"].pop(f"gate {number}.{kind}") for number in range(8)]
        parts["decoder"][f"gates.score.{kind}"] = torch.cat(gates)
    made = {f"{part}.{name}": value for part, state in parts.items() for name, value in state.items()}
    return made | _without_bias(made)


def _without_bias(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Relative position biases of 0 for each attention that has none: heads of 32 channels, windows of 7 x 7."""
    found = {}
    for name, value in state.items():
        if name.endswith(".attn.proj.bias"):
            bias = name.replace("proj.bias", "relative_bias")
            if bias not in state:
                found[bias] = value.new_zeros(len(value) // 32, 13, 13)
    return found
