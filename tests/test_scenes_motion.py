"""MiniStreet's geometry: flow warps t+1 back to t, occlusion says where it cannot, depth and speed make sense."""

import pytest
import torch
import torch.nn.functional as F

from mmlib.scenes import Knobs, scene
from mmlib.scenes.actors import populate
from mmlib.scenes.atlas import atlas
from mmlib.scenes.geometry import views
from mmlib.scenes.knobs import resolve
from mmlib.scenes.layout import build

CLEAN = {"noise": 0.0, "fog": 0.0, "glare": 0.0}
SIZE = (160, 320)


def pull(image: torch.Tensor, flow: torch.Tensor) -> torch.Tensor:
    """Read `image` (C, H, W) where the flow (2, H, W) points; written here so that nothing of mmlib is trusted."""
    h, w = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(h).float(), torch.arange(w).float(), indexing="ij")
    grid = torch.stack([2 * (x + flow[0]) / (w - 1) - 1, 2 * (y + flow[1]) / (h - 1) - 1], -1)
    return F.grid_sample(image[None], grid[None], align_corners=True, padding_mode="border")[0]


def error(sample: dict, name: str, flow: torch.Tensor, where: torch.Tensor) -> float:
    """Mean absolute error of the warped next frame where `where` is True."""
    return float((pull(sample[name + "_next"], flow) - sample[name]).abs().mean(0)[where].mean())


@pytest.mark.parametrize("time", ["day", "night"])
@pytest.mark.parametrize("seed", [3, 6, 9, 1_000_002, 2_000_002])
def test_warping_the_next_frame_gives_this_one(seed: int, time: str) -> None:
    s = scene(seed, size=SIZE, knobs=Knobs(time=time, crowding=0.6, speed=1.5, **CLEAN))
    visible = ~s["occlusion"]
    for name, limit in (("rgb", 0.015), ("ir", 0.006)):
        exact = error(s, name, s["flow"], visible)
        assert exact < limit
        assert exact < 0.5 * error(s, name, torch.zeros_like(s["flow"]), visible) or s["flow"].abs().max() < 1


@pytest.mark.parametrize("change", ["zero", "swapped", "negated", "off by a pixel"])
def test_a_wrong_flow_would_be_noticed(change: str) -> None:
    s = scene(9, size=SIZE, knobs=Knobs(time="day", crowding=0.6, speed=1.5, **CLEAN))
    flow, visible = s["flow"], ~s["occlusion"]
    wrong = {"zero": flow * 0, "swapped": flow.flip(0), "negated": -flow, "off by a pixel": flow + 1.0}[change]
    assert error(s, "rgb", wrong, visible) > 2 * error(s, "rgb", flow, visible)


def test_occlusion_is_where_warping_fails() -> None:
    inside, outside = [], []
    for seed in range(8):
        s = scene(seed, size=SIZE, knobs=Knobs(time="day", crowding=0.8, speed=2.0, **CLEAN))
        h, w = SIZE
        y, x = torch.meshgrid(torch.arange(h).float(), torch.arange(w).float(), indexing="ij")
        nx, ny = x + s["flow"][0], y + s["flow"][1]
        in_picture = (nx >= 0) & (nx <= w - 1) & (ny >= 0) & (ny <= h - 1)
        assert s["occlusion"][~in_picture].all()
        wrong = (pull(s["rgb_next"], s["flow"]) - s["rgb"]).abs().mean(0)
        inside.append(wrong[s["occlusion"] & in_picture])
        outside.append(wrong[~s["occlusion"]])
    assert torch.cat(inside).mean() > 4 * torch.cat(outside).mean()


def test_flow_of_the_ground_is_that_of_a_plane() -> None:
    """Chapter 2's formula, by hand: a ground pixel at row y lies at Z = f h / (y - cy), whatever its column."""
    s = scene(13, size=SIZE, knobs=Knobs(time="day", crowding=0.0, **CLEAN))
    now, then = views(build(13, resolve(13, Knobs(time="day", crowding=0.0, **CLEAN)), atlas()), SIZE)
    for y, x in ((150, 160), (140, 100), (155, 200)):
        assert int(s["labels"][y, x]) == 0, "road"
        z = now.f * now.height / (y - now.cy)
        z_next = z - then.z
        u = then.cx + (x - now.cx) * z / z_next - x
        v = then.cy + now.f * now.height / z_next - y
        assert s["depth"][0, y, x].item() == pytest.approx(z, rel=1e-4)
        assert s["flow"][:, y, x].tolist() == pytest.approx([u, v], abs=2e-3)


def test_depth_is_infinite_in_the_sky_and_only_there() -> None:
    s = scene(2, size=SIZE)
    sky = s["labels"] == 7
    assert torch.isinf(s["depth"][0][sky]).all()
    assert torch.isfinite(s["depth"][0][~sky]).all() and s["depth"][0][~sky].min() > 0.5


def test_speed_scales_motion_and_zero_stops_it() -> None:
    still, slow, fast = (scene(9, size=SIZE, knobs=Knobs(speed=k, **CLEAN)) for k in (0.0, 0.5, 2.0))
    assert still["flow"].abs().max() < 1e-3
    assert torch.equal(still["rgb"], still["rgb_next"]) and not still["occlusion"].any()
    assert fast["flow"].norm(dim=0).median() > 2 * slow["flow"].norm(dim=0).median()
    assert torch.equal(slow["labels"], fast["labels"])


def test_motion_is_moderate() -> None:
    """Magnitudes like those of CamVid at 15 Hz: a few pixels, tens at most at the picture's edge."""
    lengths = torch.cat([scene(s, fields=("flow",))["flow"].norm(dim=0).flatten()[::11] for s in range(24)])
    assert 0.3 < lengths.median() < 6
    assert lengths.quantile(0.99) < 40


@pytest.mark.parametrize("seed", [0, 4, 9])
def test_things_move_on_their_own_by_their_velocity(seed: int) -> None:
    """A point of a walker at (X, Z) moves to (X + vx, Z + vz - advance); its pixel follows the pinhole camera."""
    knobs = Knobs(crowding=1.0, **CLEAN)
    s, conditions = scene(seed, size=SIZE, knobs=knobs), resolve(seed, knobs)
    world = build(seed, conditions, atlas())
    populate(world, seed, conditions, atlas())
    now, then = views(world, SIZE)
    quads = {(q.label, round(q.z, 3)): q for q in world.quads if q.body and not q.lateral}
    checked = 0
    for number, label in enumerate(s["box_labels"].tolist(), 1):
        y, x = (int(v[0]) for v in torch.nonzero(s["instances"] == number, as_tuple=True))
        z = s["depth"][0, y, x].item()
        q = quads.get((label, round(z, 3)))
        if q is None or not any(q.velocity):
            continue
        z_next = z + q.velocity[1] - then.z
        u = then.cx + (now.f * q.velocity[0] + (x - now.cx) * z) / z_next - x
        v = then.cy + (y - now.cy) * z / z_next - y
        assert s["flow"][:, y, x].tolist() == pytest.approx([u, v], abs=5e-3)
        checked += 1
    assert checked >= 2
