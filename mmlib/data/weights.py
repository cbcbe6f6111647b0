"""Small pretrained networks, as state dicts, read without running any code from the file."""

from torch import Tensor

from mmlib import uses
from mmlib.data.folders import DataMissing, command, manifest, set_folder, verified

WEIGHTS = {
    "mobilenet_v2": "mobilenet_v2_imagenet_features.pth",
    "efficientnet_lite0": "efficientnet_lite0_imagenet_fp16.pth",
    "mfnet": "mfnet_rgbt_9class.pth",
    "gmflow": "gmflow_2scale_fp16.pth",
}
"""Name -> file in the weights folder.

mobilenet_v2: torchvision's keys, `features.*` only; input RGB/255, mean (.485, .456, .406), std (.229, .224, .225).
efficientnet_lite0: input (RGB - 127) / 128, 1000-way head. mfnet: RGB and infrared in four channels / 255, 480x640,
nine MSRS ids; it may have been trained on some of MSRS's test images. gmflow: two scales.
"""


def weights(name: str) -> dict[str, Tensor]:
    """The state dict of a pretrained network, float32 on the CPU (half-precision files are cast; integers stay).

    The file's sha256 is checked against the manifest, and it is read with `weights_only=True`. ValueError for an
    unknown name or a damaged file, DataMissing where the file or the manifest is absent.
    """
    import torch

    if name not in WEIGHTS:
        raise ValueError(f"unknown weights {name!r}; expected one of {', '.join(WEIGHTS)}")
    folder = set_folder("weights")
    path = folder / WEIGHTS[name]
    if not path.is_file():
        raise DataMissing(f"weights of {name}: {path} does not exist; obtain it with: {command('weights')}")
    listed = manifest(folder)
    if WEIGHTS[name] not in listed:
        raise DataMissing(f"weights of {name}: no sha256 to check in {folder}/MANIFEST.sha256: {command('weights')}")
    uses.note_weights(f"outside/{name}", listed[WEIGHTS[name]])
    state = torch.load(verified(folder, path), map_location="cpu", weights_only=True)
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def listed_sha256(name: str) -> str | None:
    """The sha256 that the manifest at hand lists for the weights `name`; None where they are absent or unknown."""
    try:
        return manifest(set_folder("weights")).get(WEIGHTS.get(name, ""))
    except DataMissing:
        return None
