"""Score chapter 5's published networks again, by another program than the one that wrote their records.

    python -m mmlib.book.rescore

The weights come from results/weights, the test streets are drawn anew, and intersections and unions are counted in this
file. It prints the published mean IoU beside what comes out here, and fails if the two are further apart than rounding
explains: the weights are published in half precision, and the records were made in the number format of the training.
"""

from __future__ import annotations

import sys

import torch
from torch import Tensor

from mmlib.models.training import UNet
from mmlib.results import find_record, load_weights
from mmlib.results.records import Record
from mmlib.results.weights import weights_file
from mmlib.scenes import CLASSES, Knobs, scenes, split_seeds

CHANNELS = {"rgb": 3, "ir": 1}
NETWORKS = {"rgb": ("rgb",), "rgb_ir": ("rgb", "ir")}
TIMES = ("night", "day")
SIZE = (96, 128)
WIDTH = 64
ROUNDING = 0.001
"""How far a mean IoU, from 0 to 1, may lie from the published one."""


def mean_iou(labels: Tensor, found: Tensor) -> float:
    """The mean over all classes that occur of intersection over union; both (N, H, W), class ids."""
    ratios = []
    for k in range(len(CLASSES)):
        both = ((labels == k) & (found == k)).sum()
        either = ((labels == k) | (found == k)).sum()
        if either > 0:
            ratios.append(float(both / either))
    return sum(ratios) / len(ratios)


@torch.no_grad()
def classes_of(net: UNet, senses: tuple[str, ...], streets: dict[str, Tensor]) -> Tensor:
    """The most likely class at every pixel of some streets, (N, H, W), computed in float32."""
    found = []
    for rows in torch.arange(len(streets["labels"])).split(16):
        pictures = {name: streets[name][rows] for name in senses}
        logits = net(pictures)
        found.append(logits.argmax(dim=1))
    return torch.cat(found)


def load_network(name: str, record: Record) -> UNet:
    """The published network `name`, ready to use. record: its own. ValueError: the record names other weights."""
    named = record.values["weights"][f"training/{name}"]
    file, sha256 = weights_file(f"training/{name}")
    if named != sha256:
        raise ValueError(
            f"{file}: expected the weights {named[:12]} of the record, got {sha256[:12]}; next: make night"
        )
    senses = {sense: CHANNELS[sense] for sense in NETWORKS[name]}
    net = UNet(senses, classes=len(CLASSES), width=WIDTH)
    net.load_state_dict(load_weights(f"training/{name}"))
    return net.eval()


def main() -> int:
    """Print the table; 1 if a score cannot be explained by rounding."""
    same = {"paper": "training", "data": "ministreet", "preset": "night", "seed": 0}
    records = {name: find_record(variant=name, **same) for name in NETWORKS}
    networks = {name: load_network(name, record) for name, record in records.items()}
    print("network  streets         published  scored again  difference")
    worst = 0.0
    for time in TIMES:
        count = records["rgb"].values[time]["streets"]
        seeds = split_seeds("test", count)
        streets = scenes(seeds, size=SIZE, knobs=Knobs(time=time), fields=("rgb", "ir", "labels"))
        for name, net in networks.items():
            published = records[name].values[time]["miou"]
            again = mean_iou(streets["labels"], classes_of(net, NETWORKS[name], streets))
            worst = max(worst, abs(again - published))
            where = f"{count}, {time}"
            print(f"{name:8} {where:12} {100 * published:12.2f} {100 * again:13.2f} {100 * (again - published):+11.2f}")
    if worst > ROUNDING:
        print(f"expected differences of at most {100 * ROUNDING:.1f} points, got {100 * worst:.2f}")
        return 1
    print(f"mean IoU in percent; differences of up to {100 * ROUNDING:.1f} points are rounding")
    return 0


if __name__ == "__main__":
    sys.exit(main())
