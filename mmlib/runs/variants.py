"""Names of variants: one word each, and the same word with ``_x2`` for twice the steps."""

from __future__ import annotations

TWICE = "_x2"


def doubled(variant: str) -> str:
    """The name of ``variant`` trained for twice the steps: it shows whether a comparison had been trained enough."""
    return variant + TWICE


def split_variant(variant: str) -> tuple[str, int]:
    """A variant's own name and what its steps are multiplied by: ``("flow", 2)`` for ``"flow_x2"``.

    Every chapter calls this on its parameter ``variant`` before it looks the name up in its table.
    """
    return (variant.removesuffix(TWICE), 2) if variant.endswith(TWICE) else (variant, 1)
