"""MobileNetV2 with dilation: small, and at hand with ImageNet weights, so it is the backbone for real images offline.

Module names are torchvision's, so its weights fit: Sandler et al., CVPR 2018, Table 2.
"""

import torch
from torch import Tensor, nn

BLOCKS = (  # expansion, channels, how often, stride of the first (Table 2)
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
DEEP, MIDDLE = (13, 17), (10, 13)  # which of `features` are given: the last at strides 16 and 32, or the last two at 16
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def _convolution(inputs: int, outputs: int, size: int, **options: int) -> list[nn.Module]:
    """Convolution and norm; padded so that stride 1 keeps the size."""
    reach = options.get("dilation", 1) * (size // 2)
    return [nn.Conv2d(inputs, outputs, size, padding=reach, bias=False, **options), nn.BatchNorm2d(outputs)]


class InvertedResidual(nn.Module):
    """Widen by 1x1, look around in each channel by 3x3, narrow by 1x1 without ReLU; added to the input if it fits."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int, dilation: int):
        super().__init__()
        wide = inputs * expansion
        layers: list[nn.Module] = []
        if expansion > 1:
            layers.append(nn.Sequential(*_convolution(inputs, wide, 1), nn.ReLU6()))
        look = _convolution(wide, wide, 3, stride=stride, groups=wide, dilation=dilation)
        layers += [nn.Sequential(*look, nn.ReLU6()), *_convolution(wide, outputs, 1)]
        self.conv = nn.Sequential(*layers)
        self.adds = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        """(B,inputs,H,W) -> (B,outputs,H/stride,W/stride)."""
        return features + self.conv(features) if self.adds else self.conv(features)


class MobileNetV2(nn.Module):
    """rgb (B,3,H,W) in [0,1] -> features of two `stages`, (B,self.channels[i],H/s,W/s), s = `output_stride`.

    output_stride: 8 or 16 by dilation (a stride that would go further becomes 1, and what follows reaches further
    instead), or 32: the undilated net. stages: DEEP (96 and 320 channels; undilated at 1/16 and 1/32) or MIDDLE (64 and
    96 channels, less shaped by what ImageNet asked for; the net ends there). Colours are normalised inside as
    ImageNet's were. ValueError for another stride.
    """

    def __init__(self, output_stride: int = 8, stages: tuple[int, int] = DEEP):
        super().__init__()
        if output_stride not in (8, 16, 32):
            raise ValueError(f"output_stride: expected 8, 16 or 32, got {output_stride}")
        layers: list[nn.Module] = [nn.Sequential(*_convolution(3, 32, 3, stride=2), nn.ReLU6())]
        inputs, reached, dilation = 32, 2, 1
        for expansion, outputs, times, stride in BLOCKS:
            for index in range(times):
                step, reach = stride if index == 0 else 1, dilation
                if step > 1 and reached == output_stride:
                    step, dilation = 1, dilation * stride  # this block still reaches as far as the one before
                layers.append(InvertedResidual(inputs, outputs, expansion, step, reach))
                inputs, reached = outputs, reached * step
        self.stages, self.features = stages, nn.Sequential(*layers[: stages[1] + 1])
        widths = [channels for _, channels, times, _ in BLOCKS for _ in range(times)]
        self.channels = tuple(widths[stage - 1] for stage in stages)
        for name, values in (("mean", MEAN), ("std", STD)):
            self.register_buffer(name, torch.tensor(values).view(3, 1, 1), persistent=False)

    def forward(self, rgb: Tensor) -> tuple[Tensor, Tensor]:
        """The earlier stage, for an auxiliary head, and the later one."""
        cut = self.stages[0] + 1
        earlier = self.features[:cut]((rgb - self.mean) / self.std)
        return earlier, self.features[cut:](earlier)


def imagenet_mobilenet(output_stride: int = 8, stages: tuple[int, int] = DEEP) -> MobileNetV2:
    """MobileNetV2 with ImageNet features, in eval mode and frozen.

    DataMissing, with the command that obtains them, where the weights are absent; RuntimeError if a key is missing or
    left over.
    """
    from mmlib.data.weights import weights

    net = MobileNetV2(output_stride, stages)
    used = {key: value for key, value in weights("mobilenet_v2").items() if int(key.split(".")[1]) <= stages[1]}
    net.load_state_dict(used)  # what lies behind the last stage serves ImageNet's classifier
    return net.eval().requires_grad_(False)
