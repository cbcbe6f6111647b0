"""Expected and got, in words short enough to read."""

import torch

FEW = 12  # elements: more are summed up


def describe(value: object) -> str:
    """A value in one short line: small tensors in full, large ones by shape and range."""
    if not isinstance(value, torch.Tensor):
        text = repr(round(value, 5)) if isinstance(value, float) else repr(value)
        return text if len(text) <= 120 else text[:117] + "..."
    kind = f"{str(value.dtype).removeprefix('torch.')} tensor {tuple(value.shape)}"
    if value.numel() <= FEW:
        return f"{_numbers(value.detach().cpu())}  ({kind})"
    if value.dtype == torch.bool:
        return f"{kind}, {int(value.sum())} of {value.numel()} true"
    return f"{kind}, from {_number(value.min())} to {_number(value.max())}"


def difference(want: object, got: object, atol: float) -> str | None:
    """What is wrong with ``got`` where ``want`` was expected, or ``None``. Numbers may differ by ``atol``."""
    if isinstance(want, torch.Tensor):
        return _tensor_difference(want, got, atol)
    if isinstance(want, (bool, str)) or want is None:
        return None if type(got) is type(want) and got == want else _both(want, got)
    if isinstance(want, (int, float)):
        return _number_difference(float(want), got, atol)
    if isinstance(want, (tuple, list)):
        return _sequence_difference(want, got, atol)
    return None if got == want else _both(want, got)


def _tensor_difference(want: torch.Tensor, got: object, atol: float) -> str | None:
    if not isinstance(got, torch.Tensor):
        return f"expected a tensor {tuple(want.shape)}\ngot {type(got).__name__}: {describe(got)}"
    if got.shape != want.shape:
        return f"expected the shape {tuple(want.shape)}\ngot {tuple(got.shape)}"
    if _family(got) != _family(want):
        return f"expected {_family(want)} ({str(want.dtype)[6:]})\ngot {_family(got)} ({str(got.dtype)[6:]})"
    a, b = want.detach().cpu().double(), got.detach().cpu().double()
    wrong = ~torch.isclose(b, a, rtol=1e-5, atol=atol, equal_nan=True)
    if not wrong.any():
        return None
    if want.numel() <= FEW:
        return _both(want, got)
    where = tuple(wrong.nonzero()[0].tolist())
    share = f"{int(wrong.sum())} of {wrong.numel()} values differ"
    return f"expected {_number(a[where])} at {list(where)}\ngot {_number(b[where])} there; {share}"


def _number_difference(want: float, got: object, atol: float) -> str | None:
    if isinstance(got, torch.Tensor) and got.numel() == 1:
        got = got.item()
    if isinstance(got, bool) or not isinstance(got, (int, float)):
        return f"expected the number {describe(want)}\ngot {type(got).__name__}: {describe(got)}"
    same = got == want or (got != got and want != want) or abs(got - want) <= atol + 1e-5 * abs(want)
    return None if same else _both(want, got)


def _sequence_difference(want: tuple | list, got: object, atol: float) -> str | None:
    if not isinstance(got, (tuple, list)) or len(got) != len(want):
        return f"expected {len(want)} values\ngot {describe(got)}"
    for i, (a, b) in enumerate(zip(want, got)):
        if found := difference(a, b, atol):
            return f"in value number {i + 1}:\n{found}"
    return None


def _family(tensor: torch.Tensor) -> str:
    if tensor.dtype == torch.bool:
        return "true and false"
    return "floating-point numbers" if tensor.is_floating_point() else "whole numbers"


def _both(want: object, got: object) -> str:
    return f"expected {describe(want)}\ngot {describe(got)}"


def _number(value: torch.Tensor) -> str:
    return f"{value.item():.5g}"


def _numbers(value: torch.Tensor) -> str:
    if value.ndim == 0:
        return str(value.item()) if value.dtype == torch.bool else _number(value)
    return "[" + ", ".join(_numbers(part) for part in value) + "]"
