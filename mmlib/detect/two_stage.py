"""The large detector that guides TSJNet in the paper: torchvision's Faster R-CNN, frozen, asked for its losses only."""

import torch
from torch import Tensor, nn


def faster_rcnn(classes: int, *, size: int = 800, pretrained: bool = True) -> nn.Module:
    """Faster R-CNN with a ResNet-50 pyramid for `classes` classes, background not counted; its head is untrained.

    `size`: the shorter side that pictures are scaled to. `pretrained` fetches COCO's weights from torchvision, which
    needs a network once; False starts from nothing. TSJNet's release never trains the new head: train it.
    """
    from torchvision.models.detection import fasterrcnn_resnet50_fpn
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor

    options = {"weights": "DEFAULT"} if pretrained else {"weights": None, "weights_backbone": None}
    net = fasterrcnn_resnet50_fpn(**options, min_size=size, max_size=2 * size)
    net.roi_heads.box_predictor = FastRCNNPredictor(net.roi_heads.box_predictor.cls_score.in_features, classes + 1)
    return net


def two_stage_loss(net: nn.Module, image: Tensor, boxes: list[Tensor], labels: list[Tensor]) -> dict[str, Tensor]:
    """TSJNet's detection loss of pictures (B, 3, H, W): box regression, objectness and the proposals' boxes.

    The classification term is left out, as in the release. boxes: (N, 4) xyxy in pixels for each picture; labels: (N,)
    from 0. torchvision gives losses in training mode only, so the net is switched to it, but its batch norms and its
    dropout are not: a frozen net stays as it is.
    """
    targets = [{"boxes": b, "labels": c + 1} for b, c in zip(boxes, labels)]
    net.train()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d | nn.Dropout):
            module.eval()
    with torch.random.fork_rng():  # proposals are sampled; the run's own luck stays untouched
        terms = net(list(image), targets)
    return {name: terms[f"loss_{name}"] for name in ("box_reg", "objectness", "rpn_box_reg")}
