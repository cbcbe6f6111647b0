"""Typical wrong answers to chapter 7's exercises; every one must be refused."""

import torch


def stretched(raw):
    spread = raw.max() - raw.min()
    return (raw - raw.min()) / spread if spread > 0 else torch.zeros_like(raw)


def far_from_the_mean(greys):
    return stretched((greys.float() - greys.float().mean()).abs())


def divides_by_zero(greys):
    raw = (greys[:, None] - greys).abs().float().mean(1)
    return (raw - raw.min()) / (raw.max() - raw.min())


def forgets_biases(width, growth, layers):
    return sum(9 * (width + i * growth) * growth for i in range(layers)) + (width + layers * growth) * width


def counts_from_one(width, growth, layers):
    grown = sum(9 * (width + i * growth) * growth + growth for i in range(1, layers + 1))
    return grown + (width + layers * growth) * width + width


def steers_the_values(pixels, channels, chosen):
    value = torch.zeros(pixels, channels)
    value[:, chosen] = 100.0
    return torch.ones(pixels, channels), value


def steers_gently(pixels, channels, chosen):
    key = torch.zeros(pixels, channels)
    key[:, chosen] = 1.0
    return key, torch.ones(pixels, channels)


def divides_by_the_root(key, value):
    return (key.T @ value / len(key) ** 0.5 / key.shape[1] ** 0.5).softmax(dim=0)


def divides_after_the_softmax(key, value):
    return (key.T @ value / key.shape[1] ** 0.5).softmax(dim=0) / len(key)


def sums_to_one(now, before, temperature):
    return (now / before / temperature).softmax(dim=0)


def difference_in_place_of_ratio(now, before, temperature):
    return len(now) * ((now - before) / temperature).softmax(dim=0)


MUTANTS = {
    "ch7.saliency": [far_from_the_mean, divides_by_zero],
    "ch7.dense": [forgets_biases, counts_from_one],
    "ch7.steer": [steers_the_values, steers_gently],
    "ch7.steady": [divides_by_the_root, divides_after_the_softmax],
    "ch7.weights": [sums_to_one, difference_in_place_of_ratio],
}
