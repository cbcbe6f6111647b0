"""The four sizes a chapter can be run at. A preset changes sizes, never code paths."""

PRESETS = ("smoke", "laptop", "gpu", "paper")


def check_preset(name: str) -> str:
    """Return ``name`` if it is one of PRESETS.

    Raises:
        ValueError: it is not; the message lists those that are.
    """
    if name not in PRESETS:
        raise ValueError(f'expected a preset out of {", ".join(PRESETS)}, got {name!r}; next: set preset = "laptop"')
    return name
