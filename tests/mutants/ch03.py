"""Typical wrong answers to chapter 3's exercises; every one must be refused."""

import torch


def psnr_averages_decibels(fused, rgb, ir, peak):
    top = fused.max() if peak is None else peak
    errors = [(fused - x).square().mean().clamp(min=1e-12) for x in (rgb, ir)]
    return sum(10 * torch.log10(top**2 / e) for e in errors) / 2


def psnr_with_the_sources_peak(fused, rgb, ir, peak):
    top = torch.maximum(rgb.max(), torch.maximum(ir.max(), fused.max())) if peak is None else peak
    return 10 * torch.log10(top**2 / (((fused - rgb).square().mean() + (fused - ir).square().mean()) / 2))


def _entropy(values, log=torch.log2):
    shares = torch.bincount(values.flatten()).double() / values.numel()
    shares = shares[shares > 0]
    return -(shares * log(shares)).sum()


def information_in_nats(a, f):
    return _entropy(a, torch.log) + _entropy(f, torch.log) - _entropy(a * 256 + f, torch.log)


def information_with_a_factor_of_255(a, f):
    return _entropy(a) + _entropy(f) - _entropy(a * 255 + f)


def _iou(matrix):
    hits = matrix.diagonal().double()
    return hits / (matrix.sum(0) + matrix.sum(1) - hits)


def miou_always_skips(matrix, absent):
    return _iou(matrix).nanmean()


def miou_with_columns_as_truth(matrix, absent):
    values = _iou(matrix)
    kept = {"skip": ~values.isnan(), "gt_only": matrix.sum(0) > 0, "zero": torch.ones(len(matrix), dtype=torch.bool)}
    return values.nan_to_num(0)[kept[absent]].mean()


def pr_strictly_above(intersections, unions, x):
    return (torch.where(unions > 0, intersections / unions.clamp(min=1), 0.0) > x).double().mean()


def pr_leaves_out_the_empty(intersections, unions, x):
    some = unions > 0
    return (intersections[some] / unions[some] >= x).double().mean()


def scramble_flips(image):
    return image.flip(-1)


def scramble_is_noise(image):
    return torch.rand(image.shape, generator=torch.Generator().manual_seed(0))


def cheat_copies_without_stretching(rgb, ir):
    return rgb


def cheat_lets_the_infrared_in(rgb, ir):
    mixed = 0.9 * rgb + 0.1 * ir
    return (mixed - mixed.min()) / (mixed.max() - mixed.min())


def cheat_adds_noise(rgb, ir):
    return torch.rand(rgb.shape, generator=torch.Generator().manual_seed(0))


def blind_spot_loses_the_small_classes_only(labels):
    return torch.full_like(labels, int(labels.flatten().bincount().argmax()))


def blind_spot_spends_too_much(labels):
    return torch.ones_like(labels)


MUTANTS = {
    "ch3.scramble": [scramble_flips, scramble_is_noise],
    "ch3.cheat": [cheat_copies_without_stretching, cheat_lets_the_infrared_in, cheat_adds_noise],
    "ch3.blind_spot": [blind_spot_loses_the_small_classes_only, blind_spot_spends_too_much],
    "ch3.psnr": [psnr_averages_decibels, psnr_with_the_sources_peak],
    "ch3.mutual_information": [information_in_nats, information_with_a_factor_of_255],
    "ch3.miou": [miou_always_skips, miou_with_columns_as_truth],
    "ch3.precision_at": [pr_strictly_above, pr_leaves_out_the_empty],
}
