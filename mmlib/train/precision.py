"""Which number format a step computes in: bf16 where the device has it natively, else fp16 with scaled losses."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

import torch

FORMATS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def mixed_precision(
    device: torch.device, choice: str = "auto"
) -> tuple[Callable[[], AbstractContextManager], torch.amp.GradScaler]:
    """What opens an autocast region, and a GradScaler that is at work for fp16 only.

    "auto" is fp32 on a CPU (the same numbers for everybody), on CUDA bf16 if native, else fp16. ValueError for others.
    """
    native = "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    choice = choice if choice != "auto" else native if device.type == "cuda" else "fp32"
    if choice not in FORMATS:
        raise ValueError(f"expected precision auto, {', '.join(FORMATS)}; got {choice!r}")
    autocast = partial(torch.autocast, device.type, FORMATS[choice], enabled=choice != "fp32")
    return autocast, torch.amp.GradScaler(device.type, enabled=choice == "fp16")
