"""Arguments of metrics and flows that would give a wrong value in silence, and the right values beside them."""

import math

import pytest
import torch

from mmlib.flow import flow_to_rgb, known, occlusion, resize_flow, valid_mask, warp
from mmlib.metrics import detection, referring
from mmlib.metrics import flow as flows
from mmlib.metrics.fusion import information, structure
from mmlib.metrics.fusion.fidelity import vif, viff

NAN, INF = math.nan, math.inf


def found(boxes=((0, 0, 4, 4),), scores=(0.9,), labels=(0,)):
    return {"boxes": torch.tensor(boxes).float().reshape(-1, 4), "scores": torch.tensor(scores),
            "labels": torch.tensor(labels)}  # fmt: skip


BOX = found()
TRUTH = {name: BOX[name] for name in ("boxes", "labels")}
DETECTIONS = [
    ([found([(NAN,) * 4] * 3, (0.9,) * 3, (0,) * 3)], [TRUTH], ValueError, r"predictions\[0\]: boxes hold NaN"),
    ([found([(0, 0, INF, 4)])], [TRUTH], ValueError, "boxes hold NaN or infinity"),
    ([found(scores=(NAN,))], [TRUTH], ValueError, "scores hold NaN or infinity"),
    ([found(scores=(0.9, 0.8))], [TRUTH], ValueError, "expected a score per box"),
    ([BOX], [TRUTH | {"boxes": torch.full((1, 4), NAN)}], ValueError, r"targets\[0\]: boxes hold NaN"),
    ([BOX], [TRUTH | {"boxes": torch.tensor([[4.0, 0, 0, 4]])}], ValueError, "ends before it begins"),
    ([BOX], [TRUTH | {"boxes": torch.zeros(1, 5)}], ValueError, r"boxes must be \(N,4\)"),
    ([BOX], [TRUTH | {"labels": torch.zeros(1)}], TypeError, "labels must be integers"),
    ([BOX], [{"boxes": torch.zeros(0, 4)}], ValueError, "has no labels"),
    ([BOX, BOX], [TRUTH], ValueError, "2 images but targets for 1"),
    ([], [], ValueError, "expected at least one image"),
]


@pytest.mark.parametrize("score", [detection.mean_ap, lambda a, b: detection.precision_recall(a, b, 0)])
@pytest.mark.parametrize(("predictions", "targets", "error", "message"), DETECTIONS, ids=lambda x: str(x)[:20])
def test_detections(predictions, targets, error, message, score):
    with pytest.raises(error, match=message):
        score(predictions, targets)


def test_boxes_without_area_overlap_nothing():
    flat = torch.tensor([[2.0, 2, 2, 2], [0, 0, 4, 4]])
    assert detection.box_iou(flat, flat).tolist() == [[0, 0], [0, 1]]
    curve = detection.precision_recall([found([(2, 2, 2, 2), (0, 0, 4, 4)], (0.9, 0.8), (0, 0))], [TRUTH], 0)
    assert detection.average_precision(*curve) == 0.5, "the flat one is a false alarm, the other one is found"


MASK = torch.tensor([[True, False], [True, True]])
REFERRING = [
    (lambda: referring.mean_iou(MASK, MASK), ValueError, r"masks: expected \(N,H,W\), got \(2, 2\).*masks\[None\]"),
    (lambda: referring.overall_iou(MASK, MASK), ValueError, r"expected \(N,H,W\)"),
    (lambda: referring.mean_iou(MASK[None, None], MASK[None, None]), ValueError, r"got \(1, 1, 2, 2\)"),
    (lambda: referring.mean_iou([MASK[0]], [MASK[0]]), ValueError, r"expected two \(H,W\)"),
    (lambda: referring.mean_iou(MASK[None], [MASK, MASK]), ValueError, "1 masks but 2 predictions"),
    (lambda: referring.mean_iou(MASK[None].float(), MASK[None]), TypeError, "threshold them first"),
    (lambda: referring.precision_at(MASK[None], MASK[None], thresholds=[50, 60]), ValueError, "got 50; next: 0.5"),
    (lambda: referring.precision_at(MASK[None], MASK[None], thresholds=[-0.1]), ValueError, "got -0.1"),
    (lambda: referring.precision_at(MASK[None], MASK[None], thresholds=[NAN]), ValueError, "got nan"),
    (lambda: referring.mean_iou(MASK[None], MASK[None], empty="skip"), ValueError, "empty must be"),
    (lambda: referring.overlap_at(MASK, torch.full((2, 2), 2.0)), ValueError, "the sigmoid of logits"),
    (lambda: referring.overlap_at(MASK, torch.full((2, 2), NAN)), ValueError, "or NaN"),
    (lambda: referring.overlap_at(MASK.long(), torch.zeros(2, 2)), TypeError, "mask must be bool"),
    (lambda: referring.overlap_at(MASK, torch.zeros(2, 3)), ValueError, r"probabilities \(2, 3\)"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFERRING)
def test_masks_and_thresholds(call, error, message):
    with pytest.raises(error, match=message):
        call()


PICTURE = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
SAME = (PICTURE, PICTURE, PICTURE)
PARAMETERS = [
    *((vif, {name: value}, f"vif: expected {name} as a finite number above 0")
      for name in ("noise", "data_range") for value in (0, -1, NAN, INF)),
    *((viff, {"noise": value}, "viff: expected noise") for value in (0, -1.0, NAN)),
    *((viff, {"weights": value}, "viff: expected 1 to 4 weights")
      for value in ((), (0.0,) * 4, (1.0,) * 5, (1.0, -1.0), (NAN,))),
    *((metric, {"base": value}, "expected as base of the logarithm a finite number above 1")
      for metric in (information.mi, information.en, information.ce) for value in (1, 0, -2, 0.5, NAN, INF)),
    *((structure.ssim, {"data_range": value}, "ssim: expected data_range") for value in (0, -255, NAN, INF)),
    *((structure.ssim, {"sigma": value, "window": "gaussian"}, "ssim: expected sigma") for value in (0, -1, NAN)),
    *((structure.ssim, {"size": value}, "ssim: expected as size of the window") for value in (0, 1, -3, 7.0)),
    (structure.ssim, {"size": 8, "border": "reflect"}, "an odd size of the window where the border is padded, got 8"),
    (structure.ssim, {"size": 49}, "at least 49 x 49 pixels, got 48 x 48"),
    (structure.ssim, {"reduce": "max"}, "reduce must"),
    *((structure.ms_ssim, {"data_range": value}, "ms_ssim: expected data_range") for value in (0, NAN)),
    *((structure.ms_ssim, {"weights": value}, "ms_ssim: expected 1 to") for value in ((), (0.0,), (-1.0, 2.0))),
    (vif, {"reduce": "max"}, "reduce must be"),
]  # fmt: skip


def name_of(value):
    """A value in the name of a test, the same in every process."""
    return getattr(value, "__name__", str(value))[:40]


@pytest.mark.parametrize(("metric", "options", "message"), PARAMETERS, ids=name_of)
def test_parameters_of_fusion_metrics(metric, options, message):
    with pytest.raises(ValueError, match=message):
        metric(*SAME, **options)


# --- unknown flow: NaN, infinite, or 1e9 as Middlebury's files have it


@pytest.fixture(params=[NAN, INF, -INF, 1e9, -1e9, 1.7e9], ids=str)
def holed(request):
    """A flow of (2, 1) everywhere but at (1, 1), where it is not known."""
    field = torch.tensor([2.0, 1.0])[None, :, None, None].repeat(1, 1, 6, 8)
    field[0, 0, 1, 1] = request.param
    return field


def test_where_a_flow_is_known(holed):
    sure = known(holed)
    assert sure.shape == (1, 1, 6, 8) and not sure[0, 0, 1, 1] and sure.sum() == 47


def test_scores_refuse_unknown_vectors_unless_they_are_masked(holed):
    zero = torch.zeros_like(holed)
    for score in (flows.epe, flows.fl_all, flows.angular_error, lambda *a: flows.share_within(*a, pixels=3)):
        with pytest.raises(ValueError, match=r"valid pixels; mask them: valid=known\(flow\)"):
            score(holed, zero)
        with pytest.raises(ValueError, match="prediction holds NaN"):
            score(zero, holed)
        assert math.isfinite(score(holed, zero, known(holed)[:, 0]))
    assert flows.epe(holed, zero, known(holed)[:, 0]) == pytest.approx(math.sqrt(5))


def test_an_unknown_vector_is_black_and_does_not_set_the_scale(holed):
    picture = flow_to_rgb(holed)
    assert picture[0, :, 1, 1].tolist() == [0, 0, 0]
    whole = flow_to_rgb(torch.tensor([2.0, 1.0])[None, :, None, None].repeat(1, 1, 6, 8))
    assert torch.equal(picture[..., 2:, :], whole[..., 2:, :])


@pytest.mark.parametrize("mode", ["bilinear", "area", "nearest"])
def test_an_unknown_vector_stays_unknown_at_another_size(holed, mode):
    small = resize_flow(holed, (3, 4), mode=mode)
    assert small.isnan().any() and not (small.abs() > 2).any()
    assert small[0, :, 2, 3].tolist() == [1.0, 0.5]


def test_warping_and_occlusion_take_it_as_unknown(holed):
    seen = warp(torch.ones(1, 1, 6, 8), holed, padding="border")
    assert seen[0, 0, 1, 1] == 0 and seen.sum() == 47
    still = holed.where(~known(holed), 0.0)
    assert not valid_mask(still)[0, 1, 1] and valid_mask(still).sum() == 47
    assert occlusion(holed, torch.zeros_like(holed))[0, 1, 1]
    assert occlusion(torch.zeros_like(holed), holed)[0, 1, 1]
