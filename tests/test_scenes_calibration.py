"""MiniStreet is as hard as real streets: the published calibration holds for the scenes as they are drawn today."""

import runpy
from pathlib import Path

import numpy as np
import pytest

from mmlib.scenes import CLASSES, VERSION, Knobs, scene
from mmlib.scenes.calibration import (
    TIMES,
    contrast,
    ministreet_contrasts,
    ministreet_flow,
    ministreet_shares,
    published,
    summary,
)

RECORD = published()
SCENES = 60


@pytest.fixture(scope="module", params=TIMES)
def today(request: pytest.FixtureRequest) -> tuple[str, dict]:
    return request.param, ministreet_contrasts(request.param, SCENES)


def test_the_record_is_of_this_version() -> None:
    assert RECORD["version"] == VERSION and len(RECORD["fingerprint"]) == 64
    assert "msrs" in RECORD["data"]["contrast"] and RECORD["scenes"] >= 100


def test_contrasts_stay_near_the_real_ones(today: tuple[str, dict]) -> None:
    time, ours = today
    for name, real in RECORD["contrast"]["real"][time].items():
        assert ours[name]["n"] >= 50
        assert abs(ours[name]["median"] - real["median"]) <= RECORD["tolerance"]["contrast"], name
        assert abs(ours[name]["hardly_seen"] - real["hardly_seen"]) <= RECORD["tolerance"]["hardly_seen"], name


def test_contrasts_stay_near_the_published_ones(today: tuple[str, dict]) -> None:
    """Tighter than the distance to reality: a change of drawing that moves contrasts needs a new record."""
    time, ours = today
    for name, then in RECORD["contrast"]["ministreet"][time].items():
        assert abs(ours[name]["median"] - then["median"]) <= 0.025, name


def test_the_order_of_difficulty_is_that_of_real_streets() -> None:
    for side in ("real", "ministreet"):
        found = RECORD["contrast"][side]
        assert found["night"]["person ir"]["median"] > 4 * found["night"]["person rgb"]["median"]
        assert found["day"]["person rgb"]["median"] > 2 * found["night"]["person rgb"]["median"]
        assert found["day"]["car rgb"]["median"] > found["day"]["car ir"]["median"]


def test_another_world_would_be_noticed() -> None:
    """The same measure on foggy nights with a blinding lamp lies outside the tolerance, so the tests above can fail."""
    fogged = ministreet_contrasts("day", 20, knobs={"fog": 1.0})
    real = RECORD["contrast"]["real"]["day"]["person rgb"]
    assert abs(fogged["person rgb"]["median"] - real["median"]) > RECORD["tolerance"]["contrast"]


def test_flow_and_class_shares_stay_near_the_real_ones() -> None:
    flow, shares = ministreet_flow(SCENES), ministreet_shares(SCENES)
    factor = 1 + RECORD["tolerance"]["flow"]
    for key, real in RECORD["flow"]["real"].items():
        assert real / factor <= flow[key] <= real * factor, key
    for name, real in RECORD["shares"]["real"].items():
        assert abs(shares[name] - real) <= RECORD["tolerance"]["share"], name
    assert set(shares) == set(CLASSES) and sum(shares.values()) == pytest.approx(100, abs=0.1)


def test_contrast_is_what_it_says() -> None:
    grey = np.full((100, 100), 0.2)
    grey[30:60, 40:50] = 0.7
    assert contrast(grey, (40, 30, 50, 60)) == pytest.approx(0.5)
    assert contrast(1 - grey, (40, 30, 50, 60)) == pytest.approx(-0.5)
    assert contrast(grey, (40, 30, 50, 34)) is None, "too low"
    assert contrast(grey, (0, 0, 100, 100)) is None, "nothing around it"
    assert summary([0.1, -0.3, 0.02, 0.2])["hardly_seen"] == 0.25
    with pytest.raises(ValueError, match="no box"):
        summary([])


def test_boxes_at_the_edge_are_measured_inside_the_picture() -> None:
    sample = scene(9, knobs=Knobs(crowding=1.0), fields=("ir", "boxes"))
    grey = sample["ir"][0].numpy()
    values = [contrast(grey, box) for box in sample["boxes"].tolist()]
    assert any(v is not None for v in values) and all(v is None or -1 <= v <= 1 for v in values)


def test_the_real_flow_is_that_of_the_record(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mmlib.data import available, load

    monkeypatch.setenv("MMLIB_DATA", str(shared_data))
    if not available("camvid_video"):
        pytest.skip("CamVid's clip is not here: python data_scripts/obtain.py camvid")
    script = Path(__file__).parents[1] / "data_scripts" / "calibrate.py"
    calibrate = runpy.run_path(str(script))
    clip = load("camvid_video")
    assert RECORD["data"]["flow"].startswith(clip.variant)
    assert calibrate["real_flow"](clip) == pytest.approx(RECORD["flow"]["real"], rel=0.05)
    assert calibrate["differences"](RECORD) == RECORD["outside_tolerance"]
