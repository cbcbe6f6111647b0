"""Small pretrained networks, as state dicts, read without running any code from the file."""

from torch import Tensor

from mmlib import uses
from mmlib.data.folders import DataMissing, command, manifest, set_folder, sha256, verified
from mmlib.files import read_state

WEIGHTS = {
    "mobilenet_v2": "mobilenet_v2_imagenet_features.pth",
    "efficientnet_lite0": "efficientnet_lite0_imagenet_fp16.pth",
    "mfnet": "mfnet_rgbt_9class.pth",
    "gmflow": "gmflow_2scale_fp16.pth",
    "reconet": "fusion/reconet.pth",
    "lrrnet": "fusion/lrrnet.pth",
    "tardal": "fusion/tardal.pth",
    "tardal_plus": "fusion/tardal_plus.pth",
    "tardal_plusplus": "fusion/tardal_plusplus.pth",
    "seafusion": "fusion/seafusion.pth",
    "ifcnn": "fusion/ifcnn_max.pth",
    "didfuse_encoder": "fusion/didfuse_encoder.pth",
    "didfuse_decoder": "fusion/didfuse_decoder.pth",
    "densefuse": "fusion/densefuse_gray.pth",
}
"""Name -> file in the weights folder.

mobilenet_v2: torchvision's keys, `features.*` only; input RGB/255, mean (.485, .456, .406), std (.229, .224, .225).
efficientnet_lite0: input (RGB - 127) / 128, 1000-way head. mfnet: RGB and infrared in four channels / 255, 480x640,
nine MSRS ids; it may have been trained on some of MSRS's test images. gmflow: two scales. The others are fusion
networks of `mmlib.fusion`, their authors' files unchanged.
"""

SHA256 = {
    "reconet": "d4f013c85e48d10d4f6c8b6574f16e4fe9cb5df48c77fc17c1e524f04bb3c290",
    "lrrnet": "1de9dd8dee9b650ce69c74ea53e3b9a6b749222f1059a689aabf28f68ee63e29",
    "tardal": "e0fa61e25cffa9fb14ff17b47ea7ba237a6e8c6f37e1b9b115d63354ff0f13e1",
    "tardal_plus": "cff3756548b511e3e415616debc557cdc85b3bb19393ca158cac8d08f232897c",
    "tardal_plusplus": "7009d125e36db043d6918d9358e10c6dca7fdf2dd08ada09c5ecd294f45f98c5",
    "seafusion": "8d65a7f9a50f36349803368cf9920f40420776995e7e8cc8a56d8d30e499431d",
    "ifcnn": "6022b44c88a2f0367ba9b08fcdf0d663745d9a966fca0ee1f41867797b6ff53f",
    "didfuse_encoder": "4d84a4e64e58469d3d4591f83c6683ead3e422498519db99bb617cb29d268471",
    "didfuse_decoder": "c6974e2a7c66ab579a77bacb086023237a229e769d459783bad8ff43e52e9986",
    "densefuse": "b34cf3650f04161b31ac2467decfeedf7eba39165b7618f846e0f298ecd2ac65",
}
"""sha256 of the files that are kept as their authors published them; those of the others stand in the manifest."""


def weights(name: str) -> dict[str, Tensor]:
    """The state dict of a pretrained network, float32 on the CPU (half-precision files are cast; integers stay).

    The file's sha256 is checked against SHA256 or the manifest, and no code in it is run. ValueError for an unknown
    name, a damaged file, or weights that are not finite, DataMissing where the file or the manifest is absent.
    """
    if name not in WEIGHTS:
        raise ValueError(f"unknown weights {name!r}; expected one of {', '.join(WEIGHTS)}")
    folder = set_folder("weights")
    path = folder / WEIGHTS[name]
    if not path.is_file():
        raise DataMissing(f"weights of {name}: {path} does not exist; obtain it with: {command('weights')}")
    digest = listed_sha256(name)
    if digest is None:
        raise DataMissing(f"weights of {name}: no sha256 to check in {folder}/MANIFEST.sha256: {command('weights')}")
    if name in SHA256 and (got := sha256(path)) != digest:
        raise ValueError(
            f"{path}: damaged, or another release: expected sha256 {digest[:12]}..., got {got[:12]}...; delete it and "
            f"run: {command('weights')}"
        )
    uses.note_weights(f"outside/{name}", digest)
    state = read_state(verified(folder, path))
    if isinstance(state.get("weight"), dict):  # DIDFuse's files hold an epoch beside the weights
        state = state["weight"]
    return {key: value.float() if value.is_floating_point() else value for key, value in state.items()}


def listed_sha256(name: str) -> str | None:
    """The sha256 that the file of weights `name` must have: its published one, else the manifest's at hand.

    None where the weights are unknown, or there is no manifest that lists them.
    """
    if name in SHA256:
        return SHA256[name]
    try:
        return manifest(set_folder("weights")).get(WEIGHTS.get(name, ""))
    except DataMissing:
        return None
