"""Computing the flow of every pair of a data set once, for a network that is trained on it for hours."""

from collections.abc import Callable
from pathlib import Path

from mmlib.data.dataset import Dataset
from mmlib.data.flow_files import existing, flow_folder, keep_settings, read_flow_file, write_flow
from mmlib.images import image_size


def precompute_flow(
    dataset: Dataset,
    method: str,
    towards: str = "next",
    *,
    name: str | None = None,
    part: tuple[int, int] = (0, 1),
    tell: Callable[[int, int], None] | None = None,
    **options,
) -> int:
    """Write the flow of every sample that has none yet beside the set; returns how many were written.

    Args:
        dataset: has the fields rgb and rgb_next (or rgb_previous, as `towards` says) and a folder.
        method, options: those of mmlib.flow.estimate. Flow leads from `rgb` to that other frame, on the grid of `rgb`.
        name: what the flows are called in `load(..., flow=name)`; None: as the method.
        part: (i, n): only every n-th sample from the i-th on, so that n processes can share the work.
        tell: called with (samples done, samples in all) after each.

    Each file appears complete or not at all, so a run that was stopped is continued by the same call. Flows made in
    another way are never mixed in. ValueError for a set without the frame, a wrong part, or other settings than those
    of the flows that are there; the errors of `estimate` otherwise.
    """
    from mmlib.flow import estimate

    other = f"rgb_{towards}"
    base = flow_folder(dataset.folder, name or method, towards) if dataset.folder else None
    if base is None or not {"rgb", other} <= set(dataset.fields):
        raise ValueError(f"{dataset.name}: expected a set of files with rgb and {other}, got {dataset!r}")
    if not 0 <= part[0] < part[1]:
        raise ValueError(f"part: expected (i, n) with 0 <= i < n, got {part}")
    keep_settings(base, {"method": method, "towards": towards, "options": options})
    frames = dataset.select("rgb", other)
    mine = dataset.names[part[0] :: part[1]]
    written = 0
    for done, sample_name in enumerate(mine, 1):
        if existing(base, sample_name) is None:
            sample = frames[sample_name]
            flow = estimate(sample["rgb"][None], sample[other][None], method, **options)[0]
            write_flow(base / f"{sample_name}.npz", flow)
            written += 1
        if tell:
            tell(done, len(mine))
    return written


def check_flow(dataset: Dataset, name: str, towards: str = "next") -> list[str]:
    """What is wrong with the flows of a set, as sentences: absent, unreadable, or of another size than their image."""
    base, problems = flow_folder(dataset.folder, name, towards), []
    for sample_name in dataset.names:
        path = existing(base, sample_name)
        try:
            size = tuple(read_flow_file(path)[0].shape[1:]) if path else None
        except ValueError as error:
            problems.append(f"{sample_name}: {error}")
            continue
        expected = image_size(_image(dataset, sample_name))
        if size != expected:
            got = "x".join(map(str, size)) if size else "no file"
            problems.append(f"{sample_name}: expected a flow of {'x'.join(map(str, expected))}, got {got}")
    return problems


def _image(dataset: Dataset, name: str) -> Path:
    return dataset.files(name)[0]
