"""Expected and got, in words short enough to read."""

import math
from numbers import Number

import torch
from torch import Tensor

FEW = 12  # elements: more are summed up


def describe(value: object) -> str:
    """A value in one short line: small tensors in full, large ones by shape and range."""
    if isinstance(value, Tensor):
        kind = f"{str(value.dtype).removeprefix('torch.')} tensor {tuple(value.shape)}"
        if value.numel() <= FEW:
            return f"{_numbers(value.detach().cpu())}  ({kind})"
        if value.dtype == torch.bool:
            return f"{kind}, {int(value.sum())} of {value.numel()} true"
        return f"{kind}, from {_number(value.min())} to {_number(value.max())}"
    text = repr(round(value, 5)) if isinstance(value, float) else repr(value)
    return text if len(text) <= 120 else text[:117] + "..."


def difference(want: object, got: object, atol: float) -> str | None:
    """What is wrong with `got` where `want` was expected, or None.

    Floats may differ by `atol`. A tensor must have the shape, and be of the same family: bool, whole or floating-point.
    """
    if isinstance(want, (tuple, list)) and isinstance(got, (tuple, list)) and len(got) == len(want):
        for number, (part, given) in enumerate(zip(want, got), 1):
            found = difference(part, given, atol)
            if found:
                return f"in value number {number}:\n{found}"
        return None
    if isinstance(want, Tensor) and isinstance(got, Tensor):
        return _tensor_difference(want, got, atol)
    if isinstance(got, Tensor) and got.numel() == 1:
        got = got.item()
    same = type(got) is type(want) and got == want
    if isinstance(want, Number) and isinstance(got, Number):
        same = math.isclose(got, want, rel_tol=1e-5, abs_tol=atol) if isinstance(want, float) else got == want
    return None if same else f"expected {describe(want)}\ngot {describe(got)}"


def _tensor_difference(want: Tensor, got: Tensor, atol: float) -> str | None:
    if got.shape != want.shape:
        return f"expected the shape {tuple(want.shape)}\ngot {tuple(got.shape)}"
    if _family(got) != _family(want):
        return f"expected {_family(want)}\ngot {_family(got)} ({str(got.dtype).removeprefix('torch.')})"
    want, got = want.detach().cpu(), got.detach().cpu()
    wrong = ~torch.isclose(got.double(), want.double(), rtol=1e-5, atol=atol, equal_nan=True)
    if not wrong.any():
        return None
    if want.numel() <= FEW:
        return f"expected {describe(want)}\ngot {describe(got)}"
    first = tuple(wrong.nonzero()[0].tolist())
    share = f"{int(wrong.sum())} of {wrong.numel()} values differ"
    return f"expected {_number(want[first])} at {list(first)}\ngot {_number(got[first])} there; {share}"


def _family(tensor: Tensor) -> str:
    if tensor.dtype == torch.bool:
        return "true and false"
    return "floating-point numbers" if tensor.is_floating_point() else "whole numbers"


def _number(value: Tensor) -> str:
    return str(value.item()) if value.dtype == torch.bool else f"{value.item() + 0:.5g}"  # + 0 turns -0 into 0


def _numbers(value: Tensor) -> str:
    if value.ndim == 0:
        return _number(value)
    return "[" + ", ".join(_numbers(part) for part in value) + "]"
