"""Typical wrong answers to chapter 3's exercises; every one must be caught."""

import torch


def psnr_averages_decibels(fused, rgb, ir, peak):
    top = fused.max() if peak is None else peak
    errors = [(fused - x).square().mean().clamp(min=1e-12) for x in (rgb, ir)]
    return sum(10 * torch.log10(top**2 / e) for e in errors) / 2


def psnr_forgets_the_square(fused, rgb, ir, peak):
    top = fused.max() if peak is None else torch.tensor(float(peak))
    return 10 * torch.log10(top / (((fused - rgb).square().mean() + (fused - ir).square().mean()) / 2))


def psnr_adds_the_errors(fused, rgb, ir, peak):
    top = fused.max() if peak is None else peak
    return 10 * torch.log10(top**2 / ((fused - rgb).square().mean() + (fused - ir).square().mean()))


def psnr_with_the_sources_peak(fused, rgb, ir, peak):
    top = torch.maximum(rgb.max(), torch.maximum(ir.max(), fused.max())) if peak is None else peak
    return 10 * torch.log10(top**2 / (((fused - rgb).square().mean() + (fused - ir).square().mean()) / 2))


def psnr_always_255(fused, rgb, ir, peak):
    return 10 * torch.log10((peak or 255) ** 2 / (((fused - rgb).square().mean() + (fused - ir).square().mean()) / 2))


def psnr_with_the_natural_logarithm(fused, rgb, ir, peak):
    top = fused.max() if peak is None else peak
    return 10 * torch.log(top**2 / (((fused - rgb).square().mean() + (fused - ir).square().mean()) / 2))


def _entropy(values, log=torch.log2):
    shares = torch.bincount(values.flatten()).double() / values.numel()
    shares = shares[shares > 0]
    return -(shares * log(shares)).sum()


def information_in_nats(a, f):
    return _entropy(a, torch.log) + _entropy(f, torch.log) - _entropy(a * 256 + f, torch.log)


def information_of_the_sum(a, f):
    return _entropy(a) + _entropy(f) - _entropy(a + f)


def information_with_a_factor_of_255(a, f):
    return _entropy(a) + _entropy(f) - _entropy(a * 255 + f)


def information_with_a_factor_of_101(a, f):
    return _entropy(a) + _entropy(f) - _entropy(a * 101 + f)


def information_with_a_factor_the_other_way_round(a, f):
    return _entropy(a) + _entropy(f) - _entropy(a + 101 * f)


def joint_entropy_only(a, f):
    return _entropy(a * 256 + f)


def information_without_the_joint(a, f):
    return _entropy(a) + _entropy(f)


def information_with_empty_bins(a, f):
    def entropy(values):
        shares = torch.bincount(values.flatten()).double() / values.numel()
        return -(shares * shares.log2()).sum()

    return entropy(a) + entropy(f) - entropy(a * 256 + f)


def correlation_instead(a, f):
    a, f = a.double() - a.double().mean(), f.double() - f.double().mean()
    return (a * f).sum() / ((a * a).sum() * (f * f).sum()).sqrt().clamp(min=1e-9)


def _iou(matrix):
    hits = matrix.diagonal().double()
    return hits / (matrix.sum(0) + matrix.sum(1) - hits)


def miou_always_skips(matrix, absent):
    return _iou(matrix).nanmean()


def miou_always_zero(matrix, absent):
    return _iou(matrix).nan_to_num(0).mean()


def miou_with_columns_as_truth(matrix, absent):
    values = _iou(matrix)
    kept = {"skip": ~values.isnan(), "gt_only": matrix.sum(0) > 0, "zero": torch.ones(len(matrix), dtype=torch.bool)}
    return values.nan_to_num(0)[kept[absent]].mean()


def miou_that_is_accuracy(matrix, absent):
    recall = matrix.diagonal().double() / matrix.sum(1)
    return recall.nan_to_num(0).mean() if absent == "zero" else recall.nanmean()


def miou_that_counts_hits_twice(matrix, absent):
    hits = matrix.diagonal().double()
    values = hits / (matrix.sum(0) + matrix.sum(1))
    return values.nan_to_num(0).mean() if absent == "zero" else values.nanmean()


def pr_strictly_above(intersections, unions, x):
    return (torch.where(unions > 0, intersections / unions.clamp(min=1), 0.0) > x).double().mean()


def pr_leaves_out_the_empty(intersections, unions, x):
    some = unions > 0
    return (intersections[some] / unions[some] >= x).double().mean()


def pr_counts_the_empty_as_right(intersections, unions, x):
    return (torch.where(unions > 0, intersections / unions.clamp(min=1), 1.0) >= x).double().mean()


def pr_of_the_overall_iou(intersections, unions, x):
    return float(intersections.sum() / unions.sum() >= x)


def pr_counts_instead_of_sharing(intersections, unions, x):
    return (torch.where(unions > 0, intersections / unions.clamp(min=1), 0.0) >= x).sum()


MUTANTS = {
    "ch3.psnr": [
        psnr_averages_decibels,
        psnr_forgets_the_square,
        psnr_adds_the_errors,
        psnr_with_the_sources_peak,
        psnr_always_255,
        psnr_with_the_natural_logarithm,
    ],
    "ch3.mutual_information": [
        information_in_nats,
        information_of_the_sum,
        information_with_a_factor_of_255,
        information_with_a_factor_of_101,
        information_with_a_factor_the_other_way_round,
        joint_entropy_only,
        information_without_the_joint,
        information_with_empty_bins,
        correlation_instead,
    ],
    "ch3.miou": [
        miou_always_skips,
        miou_always_zero,
        miou_with_columns_as_truth,
        miou_that_is_accuracy,
        miou_that_counts_hits_twice,
    ],
    "ch3.precision_at": [
        pr_strictly_above,
        pr_leaves_out_the_empty,
        pr_counts_the_empty_as_right,
        pr_of_the_overall_iou,
        pr_counts_instead_of_sharing,
    ],
}
