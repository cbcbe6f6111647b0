"""DIDFuse (Zhao et al., IJCAI 2020): base and detail features, joined by how much happens in each source."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

RENAMED = {
    "cov1.cov1.1": "first.0",
    "cov1.cov1.2": "first.1",
    "cov1.cov1.3": "first.2",
    "cov2.cov2": "second",
    "cov3.cov3": "base",
    "cov4.cov4": "detail",
    "cov5.cov5": "decode5",
    "cov6.cov6": "decode6",
    "cov7.cov7.1": "decode7.0",
    "cov7.cov7.2": "decode7.1",
}
"""Parts of the released names -> ours. Where the release pads in a layer of its own, its numbers start at 1."""


class DIDFuse(nn.Module):
    """Visible luma and infrared, (B, 1, H, W) twice in [0, 1] -> fused (B, 1, H, W) in (0, 1); from 2x2 pixels on."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(
            nn.Conv2d(1, 64, kernel_size=3, padding=1, padding_mode="reflect"),
            nn.BatchNorm2d(64),
            nn.PReLU(),
        )
        self.second = nn.Sequential(
            nn.Conv2d(64, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.PReLU(),
        )
        self.base = nn.Sequential(
            nn.Conv2d(64, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.Tanh(),
        )
        self.detail = nn.Sequential(
            nn.Conv2d(64, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.Tanh(),
        )
        self.decode5 = nn.Sequential(
            nn.Conv2d(128, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.PReLU(),
        )
        self.decode6 = nn.Sequential(
            nn.Conv2d(128, 64, kernel_size=3, padding=1),
            nn.BatchNorm2d(64),
            nn.PReLU(),
        )
        self.decode7 = nn.Sequential(
            nn.Conv2d(128, 1, kernel_size=3, padding=1, padding_mode="reflect"),
            nn.BatchNorm2d(1),
            nn.Sigmoid(),
        )

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """One source (B, 1, H, W) -> its two feature maps, base and detail, each (B, 64, H, W)."""
        first = self.first(image)
        second = self.second(first)
        return first, second, self.base(second), self.detail(second)

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        """One encoder for both sources; each of its four maps is joined, and the decoder meets them again."""
        first_vis, second_vis, base_vis, detail_vis = self.encode(vis)
        first_ir, second_ir, base_ir, detail_ir = self.encode(ir)
        first = join(first_vis, first_ir)
        second = join(second_vis, second_ir)
        base = join(base_vis, base_ir)
        detail = join(detail_vis, detail_ir)
        x = self.decode5(torch.cat([base, detail], dim=1))
        x = self.decode6(torch.cat([x, second], dim=1))
        return self.decode7(torch.cat([x, first], dim=1))


def join(vis: Tensor, ir: Tensor) -> Tensor:
    """The l1 rule: the mean of two maps, weighted by their activity. (B, C, H, W) twice -> the same."""
    activity_vis = activity(vis)
    activity_ir = activity(ir)
    weight = activity_vis / (activity_vis + activity_ir)
    return weight * vis + (1 - weight) * ir


def activity(features: Tensor) -> Tensor:
    """How much happens at a place: |features| added over channels, averaged over 3x3. (B, C, H, W) -> (B, 1, H, W)."""
    total = features.abs().sum(dim=1, keepdim=True)
    return F.avg_pool2d(total, kernel_size=3, stride=1, padding=1)
