"""ReCoNet (Huang et al., ECCV 2022): a small recurrent network that attends to each source and refines its result."""

import torch
from torch import Tensor, nn

RENAMED = {
    "att_a_conv": "attend_ir",
    "att_b_conv": "attend_vis",
    "dil_conv_": "dilated_",
    "fus_conv": "fuse",
}
"""Parts of the released names -> ours."""


class ReCoNet(nn.Module):
    """Visible luma and infrared, (B, 1, H, W) twice in [0, 1] -> fused (B, 1, H, W) in [-1, 1]; any size.

    As in the release of 2022 ("v0"), which fuses registered pairs: without the paper's registration network.
    """

    def __init__(self, channels: int = 64, rounds: int = 3):
        super().__init__()
        self.rounds = rounds
        self.attend_ir = nn.Conv2d(2, 1, kernel_size=3, padding=1, bias=False)
        self.attend_vis = nn.Conv2d(2, 1, kernel_size=3, padding=1, bias=False)
        self.dilated_1 = dilated_conv(channels, dilation=1)
        self.dilated_2 = dilated_conv(channels, dilation=2)
        self.dilated_3 = dilated_conv(channels, dilation=3)
        self.fuse = nn.Sequential(
            nn.Conv2d(3 * channels, 1, kernel_size=3, padding=1),
            nn.BatchNorm2d(1),
            nn.Tanh(),
        )

    def forward(self, vis: Tensor, ir: Tensor) -> Tensor:
        """All rounds share their weights; the first starts at the brighter of the two sources."""
        fused = torch.maximum(ir, vis)
        for _ in range(self.rounds):
            ir_attended = ir * attention(ir, fused, self.attend_ir)
            vis_attended = vis * attention(vis, fused, self.attend_vis)
            x = torch.cat([ir_attended, fused, vis_attended], dim=1)  # (B, 3, H, W)
            features = torch.cat([self.dilated_1(x), self.dilated_2(x), self.dilated_3(x)], dim=1)  # (B, 192, H, W)
            fused = self.fuse(features)
        return fused


def attention(source: Tensor, fused: Tensor, conv: nn.Module) -> Tensor:
    """How much of `source` to look at, given the fused image so far: (B, 1, H, W) twice -> (B, 1, H, W) in (0, 1)."""
    strongest = torch.maximum(source, fused)
    mean = (source + fused) / 2
    return torch.sigmoid(conv(torch.cat([strongest, mean], dim=1)))


def dilated_conv(channels: int, dilation: int) -> nn.Sequential:
    """(B, 3, H, W) -> (B, channels, H, W), each pixel seeing neighbours that lie `dilation` pixels apart."""
    return nn.Sequential(
        nn.Conv2d(3, channels, kernel_size=3, padding=dilation, dilation=dilation),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    )
