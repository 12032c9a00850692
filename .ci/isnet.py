"The network of IS-Net (Qin et al., Highly Accurate Dichotomous Image Segmentation, ECCV 2022) with random weights, to be timed: nested U-Nets, behind a stride of two."
import torch
import torch.nn.functional as F
from torch import nn

ENCODER = ((7, 64, 32, 64), (6, 64, 32, 128), (5, 128, 64, 256), (4, 256, 128, 512), (0, 512, 256, 512), (0, 512, 256, 512))  # depth (0: dilated, nothing is shrunk), channels in, between, out
DECODER = ((0, 1024, 256, 512), (4, 1024, 128, 256), (5, 512, 64, 128), (6, 256, 32, 64), (7, 128, 16, 64))


def block(inside, outside, dilation=1):
    "Convolution, batch norm, ReLU."
    return nn.Sequential(nn.Conv2d(inside, outside, 3, padding=dilation, dilation=dilation), nn.BatchNorm2d(outside), nn.ReLU(inplace=True))


class Nested(nn.Module):
    "A residual U-Net block: of so many levels, or of four dilated convolutions."
    def __init__(self, depth, inside, between, outside):
        super().__init__()
        self.shrinks, rates = bool(depth), [1] * (depth - 1) + [2] if depth else [1, 2, 4, 8]
        self.enter = block(inside, outside)
        self.down = nn.ModuleList(block(between if k else outside, between, rate) for k, rate in enumerate(rates))
        self.up = nn.ModuleList(block(2 * between, between if k else outside, rate) for k, rate in enumerate(rates[:-1]))

    def forward(self, x):
        "The block's input and what its U-Net adds."
        first, maps = self.enter(x), []
        for k, conv in enumerate(self.down):
            x = maps[-1] if maps else first
            maps.append(conv(F.max_pool2d(x, 2, ceil_mode=True) if self.shrinks and 0 < k < len(self.down) - 1 else x))
        x = maps[-1]
        for conv, fine in zip(reversed(self.up), maps[-2::-1], strict=True):
            x = conv(torch.cat([F.interpolate(x, fine.shape[-2:], mode='bilinear'), fine], 1))
        return first + x


class IsNet(nn.Module):
    "The finest of its six answers."
    def __init__(self):
        super().__init__()
        self.enter = nn.Conv2d(3, 64, 3, stride=2, padding=1)
        self.encoder, self.decoder = (nn.ModuleList(Nested(*stage) for stage in stages) for stages in (ENCODER, DECODER))
        self.side = nn.Conv2d(64, 1, 3, padding=1)

    def forward(self, image):
        "Nx3xHxW -> Nx1xHxW in 0..1."
        x, maps = self.enter(image), []
        for k, stage in enumerate(self.encoder):
            x = stage(F.max_pool2d(x, 2, ceil_mode=True) if k else x)
            maps.append(x)
        for stage, fine in zip(self.decoder, maps[-2::-1], strict=True):
            x = stage(torch.cat([F.interpolate(x, fine.shape[-2:], mode='bilinear'), fine], 1))
        return F.interpolate(self.side(x), image.shape[-2:], mode='bilinear').sigmoid()


def session(side=1024):
    "ONNX Runtime's session of it, for images of one size."
    import tempfile
    from pathlib import Path

    import onnxruntime
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / 'isnet.onnx'
        torch.onnx.export(IsNet().eval(), (torch.rand(1, 3, side, side),), str(path), input_names=['image'], output_names=['alpha'], dynamo=False)
        return onnxruntime.InferenceSession(path.read_bytes(), providers=['CPUExecutionProvider'])
