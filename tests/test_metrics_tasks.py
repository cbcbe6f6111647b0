"""Segmentation, referring, detection and flow: reference values, cases countable by hand, and bad input."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from mmlib.metrics import detection, flow, referring, segmentation

CASES = ["random_ignore10", "absent_classes", "all_ignored", "perfect", "single_class_all_wrong", "camvid_real"]


def recorded(golden: Path) -> dict:
    return json.loads((golden / "segmentation_public.json").read_text())


def arrays(golden: Path, name: str) -> dict[str, Tensor]:
    with np.load(golden / "public_seg" / f"{name}.npz") as file:
        return {key: torch.from_numpy(file[key]) for key in file if file[key].ndim}


def same(got: float | Tensor, expected: float | list | None, tolerance: float = 1e-9) -> None:
    got = got.tolist() if isinstance(got, Tensor) else got
    wanted = np.array(expected, dtype=float)  # null becomes nan
    np.testing.assert_allclose(np.array(got, dtype=float), wanted, rtol=tolerance, atol=tolerance, equal_nan=True)


# --- segmentation


@pytest.mark.parametrize("case", CASES)
def test_segmentation_scores_meet_the_references(golden: Path, case: str) -> None:
    reference = recorded(golden)[case]
    pair = arrays(golden, case)
    matrix = segmentation.confusion(pair["gt"], pair["pred"], reference["num_classes"])
    assert matrix.tolist() == reference["confusion_rows_gt_cols_pred"]
    expected = reference["numpy_definition"]
    same(segmentation.accuracy(matrix), expected["pixel_accuracy"])
    same(segmentation.class_accuracy(matrix), expected["class_accuracy"])
    same(segmentation.mean_accuracy(matrix), expected["mean_class_accuracy(nanmean over gt-present)"])
    same(segmentation.precision(matrix), expected["class_precision"])
    same(segmentation.iou(matrix), expected["class_iou"])
    same(segmentation.dice(matrix), expected["class_dice"])
    same(segmentation.frequency_weighted_iou(matrix), expected["fwIoU"])
    same(segmentation.miou(matrix), expected["mIoU_nanmean_union>0 (torchmetrics macro)"])
    same(segmentation.miou(matrix, absent="gt_only"), expected["mIoU_gt_present_only (SegMiF eval_seg.scores)"])
    same(
        segmentation.miou(matrix, absent="zero"),
        expected["mIoU_nan_to_num_all_classes (SegMiF/MFNet test scripts)"],
    )


def test_confusion_of_a_row_countable_by_hand() -> None:
    labels = torch.tensor([0, 0, 1, 1, 1, 255])
    prediction = torch.tensor([0, 1, 1, 1, 2, 2])
    matrix = segmentation.confusion(labels, prediction, 4)
    assert matrix.tolist() == [[1, 1, 0, 0], [0, 2, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    same(segmentation.iou(matrix), [1 / 2, 2 / 4, 0, None])
    assert segmentation.miou(matrix) == pytest.approx(1 / 3)
    assert segmentation.miou(matrix, absent="gt_only") == pytest.approx(1 / 2)
    assert segmentation.miou(matrix, absent="zero") == pytest.approx(1 / 4)
    assert segmentation.miou(matrix, background=False) == pytest.approx(1 / 4)
    assert segmentation.miou(matrix[1:, 1:]) == pytest.approx((2 / 3 + 0) / 2)  # MFNet: row and column 0 taken away


def test_confusion_of_two_images_is_the_sum_of_theirs() -> None:
    generator = torch.Generator().manual_seed(0)
    labels, prediction = (torch.randint(0, 5, (2, 8, 9), generator=generator) for _ in range(2))
    parts = sum(segmentation.confusion(labels[k], prediction[k], 5) for k in range(2))
    assert torch.equal(parts, segmentation.confusion(labels, prediction, 5))


def test_labels_that_cannot_be_are_refused() -> None:
    good = torch.tensor([0, 1, 2])
    for labels, prediction, name in (
        (torch.tensor([0, 1, 3]), good, "labels.*0..2.*3"),
        (torch.tensor([0, -1, 2]), good, "labels.*-1"),
        (good, torch.tensor([0, 1, 255]), "prediction.*255"),
    ):
        with pytest.raises(ValueError, match=name):
            segmentation.confusion(labels, prediction, 3)
    with pytest.raises(TypeError, match="argmax"):
        segmentation.confusion(good, good.float(), 3)
    with pytest.raises(ValueError, match=r"\(3,\).*\(2,\)"):
        segmentation.confusion(good, good[:2], 3)
    with pytest.raises(ValueError, match="'skip', 'zero' or 'gt_only'"):
        segmentation.miou(torch.eye(3), absent="nan")


def test_without_an_ignore_id_255_is_an_error_and_not_skipped() -> None:
    labels = torch.tensor([0, 255])
    with pytest.raises(ValueError, match="255"):
        segmentation.confusion(labels, torch.tensor([0, 0]), 2, ignore=None)


def squares(shift: int, size: int = 8) -> Tensor:
    labels = torch.zeros(1, 24, 24, dtype=torch.long)
    labels[:, 8 : 8 + size, 8 + shift : 8 + shift + size] = 1
    return labels


def test_boundary_f_forgives_shifts_up_to_the_tolerance() -> None:
    truth = squares(0)
    assert segmentation.boundary_f(truth, truth, 3).tolist()[:2] == [1, 1]
    assert math.isnan(segmentation.boundary_f(truth, truth, 3)[2])
    assert float(segmentation.boundary_f(truth, squares(2), 2, tolerance=2)[1]) == 1
    assert 0 < float(segmentation.boundary_f(truth, squares(2), 2, tolerance=1)[1]) < 1


def test_boundary_f_is_zero_for_an_object_missed_or_made_up() -> None:
    nothing = torch.zeros_like(squares(0))
    for labels, prediction in ((squares(0), nothing), (nothing, squares(0))):
        assert segmentation.boundary_f(labels, prediction, 2).tolist() == [0, 0]


def test_boundary_f_counted_by_hand() -> None:
    # A square of 8 has 28 outline pixels. After a move by 3, 6 of each horizontal side lie within 1 pixel of the other
    # square's, and so do the 2 pixels of the nearer vertical side next to its corners.
    truth, moved = squares(0), squares(3)
    near = 2 * 6 + 2
    assert float(segmentation.boundary_f(truth, moved, 2, tolerance=1)[1]) == pytest.approx(near / 28)


def test_boundary_f_does_not_score_outlines_next_to_ignored_pixels() -> None:
    truth = squares(0)
    truth[:, :, :12] = 255
    wrong_on_the_left = squares(0)
    wrong_on_the_left[:, :, :12] = 0
    assert float(segmentation.boundary_f(truth, wrong_on_the_left, 2)[1]) == 1


# --- referring


def test_referring_scores_meet_the_references(golden: Path) -> None:
    reference, pair = recorded(golden)["refseg"], arrays(golden, "refseg")
    masks, predictions = pair["gt"], pair["pred"]
    intersection, union = referring.overlaps(masks, predictions)
    assert intersection.tolist() == reference["intersection"] and union.tolist() == reference["union"]
    same(100 * referring.overall_iou(masks, predictions), reference["overall_IoU (=cumI/cumU*100)"])
    for empty, key, mean in (
        ("zero", "LAVT_convention(empty-empty IoU=0, threshold >=)", "mIoU"),
        ("one", "gRefCOCO-like_convention(empty-empty IoU=1)", "gIoU"),
    ):
        same(100 * referring.mean_iou(masks, predictions, empty=empty), reference[key][mean])
        for threshold, share in referring.precision_at(masks, predictions, empty=empty).items():
            same(100 * share, reference[key][f"P@{threshold}"])


def test_referring_takes_masks_of_different_sizes_and_counts_the_threshold_in() -> None:
    half = torch.tensor([[True, True], [False, False]])
    masks, predictions = [half, torch.ones(3, 4, dtype=torch.bool)], [half | True, torch.ones(3, 4, dtype=torch.bool)]
    assert referring.mean_iou(masks, predictions) == pytest.approx(0.75)
    assert referring.overall_iou(masks, predictions) == pytest.approx(14 / 16)
    assert referring.precision_at(masks, predictions, thresholds=(0.5, 0.51)) == {0.5: 1.0, 0.51: 0.5}


def test_no_masks_have_no_mean() -> None:
    assert math.isnan(referring.mean_iou([], []))


# --- flow


def test_flow_scores_meet_the_references(golden: Path) -> None:
    reference, fields = recorded(golden)["flow"], arrays(golden, "flow")
    for key, valid in (("valid_only", fields["valid"]), ("all_pixels", None)):
        pair = (fields["gt"], fields["pred"], valid)
        expected = reference[key]
        same(flow.epe(*pair, average="image"), expected["epe_mean_of_image_means(RAFT kitti)"], 1e-6)
        same(flow.epe(*pair), expected["epe_pixel_mean(RAFT chairs/sintel)"], 1e-6)
        same(100 * flow.fl_all(*pair), expected["Fl_all_percent(RAFT kitti, strict >3px and >5%)"], 1e-6)
        for pixels in (1, 3, 5):
            same(flow.share_within(*pair, pixels=pixels), expected[f"{pixels}px"], 1e-6)


def test_flow_errors_of_vectors_known_by_hand() -> None:
    true, guess = torch.zeros(1, 2, 1, 2), torch.tensor([[[[3.0, 0.0]], [[4.0, 0.0]]]])
    assert flow.epe(true, guess) == 2.5
    assert flow.fl_all(true, guess) == 0.5  # 5 pixels wrong where nothing moves
    unit = torch.tensor([[[[1.0]], [[0.0]]]])
    assert flow.angular_error(torch.zeros_like(unit), unit) == pytest.approx(45)
    assert flow.angular_error(unit, unit) == pytest.approx(0, abs=1e-9)
    exactly_three = torch.tensor([[[[3.0]], [[0.0]]]])
    assert flow.fl_all(torch.zeros_like(unit), exactly_three) == 0  # strictly above
    assert flow.fl_all(exactly_three * 100, exactly_three * 101.5) == 0  # 4.5 pixels, but 1.5 %


def test_flow_without_valid_pixels_is_nan_and_other_shapes_are_refused() -> None:
    field = torch.zeros(1, 2, 3, 4)
    nothing = torch.zeros(1, 3, 4, dtype=torch.bool)
    for average in ("pixel", "image"):
        assert math.isnan(flow.epe(field, field, nothing, average=average))
    with pytest.raises(ValueError, match=r"\(B,2,H,W\)"):
        flow.epe(field[0], field[0])
    with pytest.raises(ValueError, match="valid must be bool"):
        flow.fl_all(field, field, nothing.float())
    with pytest.raises(ValueError, match="'pixel' or 'image'"):
        flow.epe(field, field, average="mean")


# --- detection


def images_of(golden: Path, kind: str) -> list[dict[str, Tensor]]:
    file = json.loads((golden / "public_seg" / "detection.json").read_text())
    images = []
    for number in range(file["images"]):
        rows = [row for row in file[kind] if row["image_id"] == number]
        boxes = torch.tensor([row["bbox"] for row in rows], dtype=torch.float64).reshape(-1, 4)
        boxes = torch.cat([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], dim=1)  # xywh -> xyxy
        image = {"boxes": boxes, "labels": torch.tensor([row["category_id"] for row in rows], dtype=torch.long)}
        if kind == "dt":
            image["scores"] = torch.tensor([row["score"] for row in rows], dtype=torch.float64)
        images.append(image)
    return images


def test_mean_ap_meets_pycocotools_and_torchmetrics(golden: Path) -> None:
    reference = recorded(golden)["detection"]
    predictions, targets = images_of(golden, "dt"), images_of(golden, "gt")
    values, coco = detection.mean_ap(predictions, targets), reference["pycocotools"]
    names = {"AP": "map", "AP50": "map_50", "AP75": "map_75", "APs": "map_small", "APl": "map_large"}
    names |= {"AR1": "mar_1", "AR10": "mar_10", "AR100": "mar_100"}
    for theirs, ours in names.items():
        assert values[ours] == pytest.approx(coco[theirs], abs=1e-6), theirs
    assert values["map_medium"] == pytest.approx(coco["APm"], abs=3e-4)  # float32 box areas at COCO's size limits
    per_class = [share if share >= 0 else None for share in values["map_per_class"]]
    same(torch.tensor([math.nan if x is None else x for x in per_class]), reference["pycocotools_AP_per_class"], 1e-6)
    theirs = reference["torchmetrics_MeanAveragePrecision"]
    for name, value in detection.mean_ap(predictions, targets, thresholds="torchmetrics").items():
        assert value == pytest.approx(theirs[name], abs=1e-6), name


def test_average_precision_meets_each_interpolation(golden: Path) -> None:
    reference = recorded(golden)["detection"]
    expected = dict(reference["voc_rule_AP50_per_class"])
    expected["trapezoid"] = expected.pop("yolov5_101_trapz")
    expected["101_point"] = next(v for k, v in reference.items() if k.startswith("pycocotools_AP50_per_class"))
    predictions, targets = images_of(golden, "dt"), images_of(golden, "gt")
    curves = [detection.precision_recall(predictions, targets, label) for label in range(6)]
    for interpolation in detection.INTERPOLATIONS:
        values = [detection.average_precision(*curve, interpolation=interpolation) for curve in curves]
        same(torch.tensor(values, dtype=torch.float64), expected[interpolation], 1e-9)


def boxes(*corners: list[float], labels: int = 0, scores: list[float] | None = None) -> dict[str, Tensor]:
    image = {"boxes": torch.tensor(corners).reshape(-1, 4), "labels": torch.full((len(corners),), labels)}
    return image if scores is None else image | {"scores": torch.tensor(scores)}


def test_a_second_detection_of_one_object_is_wrong() -> None:
    truth = [boxes([0.0, 0, 10, 10], [20.0, 0, 30, 10])]
    found = [boxes([0.0, 0, 10, 10], [0.0, 0, 10, 9], [20.0, 0, 30, 10], scores=[0.9, 0.8, 0.7])]
    precision, recall = detection.precision_recall(found, truth, 0)
    same(precision, [1, 1 / 2, 2 / 3])
    same(recall, [1 / 2, 1 / 2, 1])
    assert detection.average_precision(precision, recall) == pytest.approx(0.5 + 0.5 * 2 / 3)
    assert detection.average_precision(precision, recall, interpolation="11_point") == pytest.approx(
        (6 + 5 * 2 / 3) / 11
    )


def test_average_precision_without_truth_or_without_detections() -> None:
    something, nothing = boxes([0.0, 0, 1, 1]), boxes()
    found = something | {"scores": torch.tensor([0.5])}
    empty = nothing | {"scores": torch.zeros(0)}
    for interpolation in detection.INTERPOLATIONS:
        none_true = detection.precision_recall([found], [nothing], 0)
        assert math.isnan(detection.average_precision(*none_true, interpolation=interpolation))
        none_found = detection.precision_recall([empty], [something], 0)
        assert detection.average_precision(*none_found, interpolation=interpolation) == 0
        neither = detection.precision_recall([empty], [nothing], 0)
        assert math.isnan(detection.average_precision(*neither, interpolation=interpolation))


def test_box_iou_of_boxes_countable_by_hand() -> None:
    a = torch.tensor([[0.0, 0, 2, 2]])
    b = torch.tensor([[1.0, 1, 3, 3], [0, 0, 2, 2], [2, 0, 4, 2]])
    same(detection.box_iou(a, b), [[1 / 7, 1, 0]], 1e-6)


def test_detections_that_cannot_be_are_refused() -> None:
    good = boxes([0.0, 0, 1, 1], scores=[0.5])
    with pytest.raises(ValueError, match="scores"):
        detection.mean_ap([boxes([0.0, 0, 1, 1])], [good])
    with pytest.raises(ValueError, match="xyxy, not xywh"):
        detection.mean_ap([boxes([5.0, 5, 1, 1], scores=[0.5])], [good])
    with pytest.raises(ValueError, match="'coco' or 'torchmetrics'"):
        detection.mean_ap([good], [good], thresholds="float16")
    with pytest.raises(ValueError, match="all_point, 11_point"):
        detection.average_precision(torch.ones(1), torch.ones(1), interpolation="voc")


def test_micro_iou_pools_pixels_and_boundary_f_refuses_unknown_ids():
    matrix = torch.tensor([[3, 1], [0, 4]])
    assert segmentation.micro_iou(matrix) == pytest.approx(7 / 9)  # 7 hits; unions of 4 and 5 pixels
    labels = torch.zeros(1, 4, 4, dtype=torch.int64)
    with pytest.raises(ValueError, match="prediction must be in 0..1 or ignored, got .7."):
        segmentation.boundary_f(labels, labels + 7, 2)
