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
