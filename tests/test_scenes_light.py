"""Light and heat: what each knob does to the pictures, and the physics behind the infrared one."""

import numpy as np
import pytest
import torch

from mmlib.scenes import Knobs, scene
from mmlib.scenes.heat import band_radiance

SIZE = (96, 192)
LUMA = torch.tensor([0.299, 0.587, 0.114])[:, None, None]


def shot(seed: int, **knobs) -> dict:
    return scene(
        seed,
        size=SIZE,
        knobs=Knobs(**knobs),
        fields=("rgb", "ir", "labels", "instances", "box_labels", "depth", "flow"),
    )


def luma(sample: dict) -> torch.Tensor:
    return (sample["rgb"] * LUMA).sum(0)


def planck_band(kelvin: float) -> float:
    """Integral of Planck's law over 8-14 um (arbitrary units)."""
    wave = np.linspace(8e-6, 14e-6, 4001)
    return float(np.trapezoid(wave**-5 / np.expm1(1.438777e-2 / (wave * kelvin)), wave))


@pytest.mark.parametrize("celsius", [-30, -10, 0, 15, 36, 50, 70])
def test_band_radiance_is_planck_s_law(celsius: float) -> None:
    exact = planck_band(celsius + 273.15) / planck_band(300.0)
    assert float(band_radiance(torch.tensor(float(celsius)))) == pytest.approx(exact, rel=0.004)


def test_the_time_of_day_moves_light_but_no_object() -> None:
    day, dusk, night = (shot(5, time=t, fog=0.0, glare=0.0) for t in ("day", "dusk", "night"))
    assert luma(day).mean() > 1.2 * luma(dusk).mean() > 1.5 * luma(night).mean()
    for name in ("labels", "instances", "depth", "flow"):
        assert torch.equal(day[name], night[name]) and torch.equal(day[name], dusk[name])


def test_fog_hides_what_is_far() -> None:
    clear, thick = (shot(5, time="day", fog=f, glare=0.0, noise=0.0) for f in (0.0, 1.0))
    far = (clear["depth"][0] > 40) & torch.isfinite(clear["depth"][0])
    near = clear["depth"][0] < 6
    kept_far, kept_near = (float(luma(thick)[k].std() / luma(clear)[k].std()) for k in (far, near))
    assert kept_far < 0.15 and kept_near > 0.35


def test_fog_hides_less_in_the_infrared() -> None:
    clear, thick = (shot(5, time="day", fog=f, glare=0.0, noise=0.0) for f in (0.0, 0.6))
    far = (clear["depth"][0] > 25) & (clear["depth"][0] < 60)
    kept = {k: float(thick[k].mean(0)[far].std() / clear[k].mean(0)[far].std()) for k in ("rgb", "ir")}
    assert kept["ir"] > kept["rgb"] + 0.2


def test_glare_blinds_rgb_and_not_infrared() -> None:
    for time in ("day", "night"):
        plain, blind = (shot(5, time=time, fog=0.0, glare=g, noise=0.0) for g in (0.0, 1.0))
        assert luma(blind).mean() > luma(plain).mean() + 0.05
        assert (luma(blind) > 0.97).sum() > (luma(plain) > 0.97).sum()
        assert torch.equal(plain["ir"], blind["ir"])


def test_misregistration_shifts_only_the_infrared_and_by_its_pixels() -> None:
    straight, shifted = (shot(5, misregistration=m, noise=0.0) for m in (0.0, 6.0))
    for name in ("rgb", "labels", "instances", "flow"):
        assert torch.equal(straight[name], shifted[name])
    assert not torch.equal(straight["ir"], shifted["ir"])
    a, b = straight["ir"][0] - straight["ir"].mean(), shifted["ir"][0] - shifted["ir"].mean()
    product = torch.fft.ifft2(torch.fft.fft2(b) * torch.fft.fft2(a).conj()).real
    peak = int(product.argmax())
    dy, dx = divmod(peak, SIZE[1])
    dy, dx = (dy + SIZE[0] // 2) % SIZE[0] - SIZE[0] // 2, (dx + SIZE[1] // 2) % SIZE[1] - SIZE[1] // 2
    assert np.hypot(dx, dy) == pytest.approx(6.0, abs=1.2)


def test_noise_is_a_factor_and_zero_is_a_perfect_sensor() -> None:
    perfect, plain, loud = (shot(5, time="night", noise=n) for n in (0.0, 1.0, 4.0))
    for name in ("rgb", "ir"):
        small, big = ((s[name] - perfect[name]).abs().mean() for s in (plain, loud))
        assert 0 < small < 0.05 and big > 2 * small


def test_noise_differs_between_frames_and_sensors() -> None:
    s = scene(5, size=SIZE, knobs=Knobs(speed=0.0, noise=1.0))
    assert not torch.equal(s["rgb"], s["rgb_next"]) and not torch.equal(s["ir"], s["ir_next"])


def test_crowding_fills_the_street() -> None:
    empty, few, many = (sum(len(shot(s, crowding=c)["box_labels"]) for s in range(10)) for c in (0.0, 0.3, 1.0))
    assert empty == 0 and few > 10 and many > 1.7 * few


def test_style_changes_the_look_of_rgb_only() -> None:
    source, target = (shot(5, style=s, noise=0.0, time="day") for s in ("source", "target"))
    assert torch.equal(source["ir"], target["ir"]) and torch.equal(source["labels"], target["labels"])
    spread = lambda s: (s["rgb"].amax(0) - s["rgb"].amin(0)).mean()  # noqa: E731
    assert spread(target) < 0.75 * spread(source)
    assert (source["rgb"] - target["rgb"]).abs().mean() > 0.03


def test_free_knobs_are_drawn_from_the_seed() -> None:
    free = Knobs(misregistration=None, noise=None, ambiguity=None, style=None, speed=None)
    looks = {hash(scene(s, size=(48, 64), knobs=free, fields=("rgb",))["rgb"].numpy().tobytes()) for s in range(4)}
    assert len(looks) == 4
    assert not torch.equal(shot(5)["ir"], scene(5, size=SIZE, knobs=free, fields=("ir",))["ir"])


def _contrast(sample: dict, name: str) -> list[float]:
    """|mean inside - mean of a ring around| of each large enough pedestrian."""
    out = []
    image = luma(sample) if name == "rgb" else sample["ir"][0]
    for number, label in enumerate(sample["box_labels"].tolist(), 1):
        mask = sample["instances"] == number
        if label == 8 and mask.sum() >= 40:
            wide = torch.nn.functional.max_pool2d(mask[None, None].float(), 9, 1, 4)[0, 0] > 0
            out.append(float((image[mask].mean() - image[wide & (sample["instances"] == 0)].mean()).abs()))
    return out


def test_neither_sense_is_enough_alone() -> None:
    """At night many pedestrians are lost in rgb and shown by infrared; by warm day some are lost in infrared only."""
    night = [shot(s, time="night", fog=0.0, glare=0.0, crowding=0.8) for s in range(12)]
    rgb, ir = (np.array([v for s in night for v in _contrast(s, k)]) for k in ("rgb", "ir"))
    assert (ir > 0.06).mean() > 0.9
    assert (rgb < 0.04).mean() > 0.3
    day = [shot(s, time="day", fog=0.0, glare=0.0, crowding=0.8) for s in range(60)]
    rgb, ir = (np.array([v for s in day for v in _contrast(s, k)]) for k in ("rgb", "ir"))
    assert ((ir < 0.04) & (rgb > 0.04)).mean() > 0.01
    assert ((rgb < 0.04) & (ir > 0.04)).mean() > 0.01
