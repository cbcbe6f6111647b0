"""The estimators find known motion, on textures and on Middlebury, and say clearly why they cannot run."""

import os

import numpy as np
import pytest
import torch

from mmlib import flow as mf
from mmlib.images import read_image

DOCUMENTED_DIS = {  # end-point errors of OpenCV's DIS "medium" in the README of the data
    "Dimetrodon": 0.16,
    "Grove2": 0.32,
    "Grove3": 0.85,
    "Hydrangea": 0.25,
    "RubberWhale": 0.23,
    "Urban2": 0.65,
    "Urban3": 2.01,
    "Venus": 0.38,
}


def texture(channels: int = 3, size: tuple[int, int] = (140, 170), seed: int = 0) -> torch.Tensor:
    """Smooth random blotches of two scales in [0, 1]."""
    generator = torch.Generator().manual_seed(seed)
    grids = [torch.rand(1, channels, s // 4, s // 3, generator=generator) for s in (40, 120)]
    layers = [torch.nn.functional.interpolate(g, size=size, mode="bicubic") for g in grids]
    return (sum(layers) / 2).clamp(0, 1)


def shifted_pair(u: float, v: float, channels: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """A texture, and the same texture after everything moved by (u, v)."""
    image = texture(channels)
    back = torch.tensor([-u, -v], dtype=torch.float32).view(1, 2, 1, 1).expand(1, 2, *image.shape[-2:])
    return image, mf.warp(image, back, padding="border")


@pytest.mark.parametrize("method", ["farneback", "dis"])
@pytest.mark.parametrize(("u", "v"), [(3.0, -2.0), (-1.5, 0.75)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_known_shift_is_found(method, u, v, channels):
    flow = mf.estimate(*shifted_pair(u, v, channels), method=method)
    assert flow.shape == (1, 2, 140, 170) and flow.dtype == torch.float32
    inner = flow[0, :, 16:-16, 16:-16]
    error = (inner - torch.tensor([u, v]).view(2, 1, 1)).norm(dim=0)
    assert error.mean() < 0.1


def test_pairs_of_a_batch_do_not_mix():
    a, b = shifted_pair(2, 0), shifted_pair(0, -3)
    together = mf.estimate(torch.cat([a[0], b[0]]), torch.cat([a[1], b[1]]))
    assert together.equal(torch.cat([mf.estimate(*a), mf.estimate(*b)]))


def test_options_reach_the_solver():
    pair = shifted_pair(2.3, 1.2)
    assert not mf.estimate(*pair, preset="ultrafast").equal(mf.estimate(*pair, preset="medium"))
    assert not mf.estimate(*pair, finest_scale=0).equal(mf.estimate(*pair))
    assert not mf.estimate(*pair, method="farneback", window=31).equal(mf.estimate(*pair, method="farneback"))
    wrong = [
        ("dis", "preset", "best"),
        ("dis", "finest_scale", -1),
        ("farneback", "window", 0),
        ("farneback", "levels", 0),
    ]
    for method, option, value in wrong:
        with pytest.raises(ValueError, match=option):
            mf.estimate(*pair, method=method, **{option: value})


@pytest.mark.parametrize(
    ("frame", "error", "says"),
    [
        (torch.rand(3, 16, 16), ValueError, "batch"),
        (torch.rand(1, 4, 16, 16), ValueError, "channel"),
        (torch.full((1, 3, 16, 16), torch.nan), ValueError, "NaN"),
        (torch.zeros(1, 3, 16, 16, dtype=torch.uint8), TypeError, "uint8"),
    ],
)
def test_wrong_frames_are_explained(frame, error, says):
    with pytest.raises(error, match=says):
        mf.estimate(frame, frame)


def test_frames_too_small_for_a_method_are_explained():
    with pytest.raises(ValueError, match="larger frames"):
        mf.estimate(torch.zeros(1, 3, 8, 8), torch.zeros(1, 3, 8, 8), method="dis")


def test_frames_of_two_sizes_and_unknown_methods_are_explained():
    with pytest.raises(ValueError, match="one shape"):
        mf.estimate(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 17))
    with pytest.raises(ValueError, match="farneback, dis, raft"):
        mf.estimate(torch.zeros(1, 3, 16, 16), torch.zeros(1, 3, 16, 16), method="flownet")
    with pytest.raises(ValueError, match="farneback, dis, raft"):
        mf.available("flownet")


def test_without_weights_raft_says_so_and_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    frame = torch.zeros(1, 3, 128, 128)
    assert mf.available("dis") and mf.available("farneback") and not mf.available("raft")
    with pytest.raises(mf.MethodMissing, match="get_state_dict"):
        mf.estimate(frame, frame, method="raft")
    with pytest.raises(FileNotFoundError, match="nowhere.pth"):
        mf.estimate(frame, frame, method="raft", weights=tmp_path / "nowhere.pth")


def test_the_names_of_rafts_files_are_torchvisions():
    from torchvision.models.optical_flow import Raft_Large_Weights, Raft_Small_Weights

    from mmlib.flow.estimators import RAFT_FILES

    expected = {"small": Raft_Small_Weights.DEFAULT.url, "large": Raft_Large_Weights.DEFAULT.url}
    assert {k: os.path.basename(url) for k, url in expected.items()} == RAFT_FILES


@pytest.fixture
def raft_weights(tmp_path):
    """The path of RAFT weights that know nothing: random, from a fixed seed."""
    from torchvision.models.optical_flow import raft_small

    torch.manual_seed(0)
    path = tmp_path / "random.pth"
    torch.save(raft_small(weights=None).state_dict(), path)
    return path


def test_raft_runs_from_a_path_and_equals_torchvisions(raft_weights):
    from torchvision.models.optical_flow import raft_small

    assert mf.available("raft", weights=raft_weights)
    net = raft_small(weights=None).eval()
    net.load_state_dict(torch.load(raft_weights, weights_only=True))
    rgb, rgb_next = texture(size=(128, 136)), texture(size=(128, 136), seed=1)
    with torch.no_grad():
        expected = net(rgb * 2 - 1, rgb_next * 2 - 1, num_flow_updates=2)[-1]
    assert torch.allclose(mf.estimate(rgb, rgb_next, "raft", weights=raft_weights, updates=2), expected, atol=1e-4)


def test_raft_takes_any_size_from_128_and_grey(raft_weights):
    grey = texture(channels=1, size=(130, 141))
    assert mf.estimate(grey, grey, "raft", weights=raft_weights, updates=1).shape == (1, 2, 130, 141)
    with pytest.raises(ValueError, match="128"):
        mf.estimate(grey[..., :120, :], grey[..., :120, :], "raft", weights=raft_weights)


def test_damaged_weights_are_explained(raft_weights):
    raft_weights.write_bytes(raft_weights.read_bytes()[:1000])
    frame = torch.zeros(1, 3, 128, 128)
    with pytest.raises(ValueError, match="does not hold the weights"):
        mf.estimate(frame, frame, "raft", weights=raft_weights)
    with pytest.raises(ValueError, match="small, large"):
        mf.available("raft", model="huge")


@pytest.mark.parametrize("name", DOCUMENTED_DIS)
def test_dis_meets_its_documented_error_on_middlebury(shared_data, name):
    folder = shared_data / "middlebury_flow" / name
    frames = [read_image(folder / f"frame{n}.png")[None] for n in (10, 11)]
    truth = torch.from_numpy(np.load(folder / "flow10.npz")["flow"].astype("float32")).permute(2, 0, 1)[None]
    error = (mf.estimate(*frames, method="dis") - truth).norm(dim=1)
    assert float(error[error.isfinite()].mean()) == pytest.approx(DOCUMENTED_DIS[name], abs=0.02)
