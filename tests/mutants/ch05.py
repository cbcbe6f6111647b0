"""Typical wrong answers to chapter 5's exercises; every one must be caught."""

import math


def starts_at_zero(step, steps, first):
    return step / first if step < first else 1 - (step - first) / (steps - first)


def falls_from_the_beginning(step, steps, first):
    return (step + 1) / first if step < first else 1 - step / steps


def reaches_zero_too_early(step, steps, first):
    return (step + 1) / first if step < first else 1 - (step - first) / max(1, steps - first - 1)


def climbs_one_step_too_long(step, steps, first):
    return (step + 1) / (first + 1) if step <= first else 1 - (step - first) / (steps - first)


def rounds_down(effect, spread):
    return max(2, int((2.8 * spread / effect) ** 2))


def forgets_the_square(effect, spread):
    return max(2, math.ceil(2.8 * spread / abs(effect)))


def one_run_is_enough(effect, spread):
    return math.ceil((2.8 * spread / effect) ** 2)


def upside_down(effect, spread):
    return max(2, math.ceil((2.8 * effect / spread) ** 2))


def one_too_many(effect, spread):
    return max(2, int((2.8 * spread / effect) ** 2) + 1)


def _samples(batch):
    return len(next(iter(batch.values())))


def every_other_sample(batch, rank, size):
    if _samples(batch) % size:
        raise ValueError("unequal")
    return {name: values[rank::size] for name, values in batch.items()}


def drops_the_rest(batch, rank, size):
    part = _samples(batch) // size
    return {name: values[rank * part : (rank + 1) * part] for name, values in batch.items()}


def counts_from_one(batch, rank, size):
    if _samples(batch) % size:
        raise ValueError("unequal")
    part = _samples(batch) // size
    return {name: values[(rank - 1) * part : rank * part] for name, values in batch.items()}


def loses_the_axis(batch, rank, size):
    if _samples(batch) % size:
        raise ValueError("unequal")
    part = _samples(batch) // size
    first = rank * part
    return {name: values[first] if part == 1 else values[first : first + part] for name, values in batch.items()}


def everything_for_everybody(batch, rank, size):
    if _samples(batch) % size:
        raise ValueError("unequal")
    return batch


MUTANTS = {
    "ch5.rate": [starts_at_zero, falls_from_the_beginning, reaches_zero_too_early, climbs_one_step_too_long],
    "ch5.seeds": [rounds_down, forgets_the_square, one_run_is_enough, upside_down, one_too_many],
    "ch5.share": [every_other_sample, drops_the_rest, counts_from_one, loses_the_axis, everything_for_everybody],
}
