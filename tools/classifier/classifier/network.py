"""The network: seven 3x3 convolutions, a feature vector, one linear head over all columns."""

import torch
from torch import nn

WIDTH = 32
FEATURES = 256


class Conv(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU())


class Network(nn.Module):
    """[N, 3, 64, 64] in -1..1 -> features [N, 256], logits [N, all classes of all columns]."""

    def __init__(self, columns: dict[str, int], width: int = WIDTH, features: int = FEATURES):
        super().__init__()
        self.columns, self.width = columns, width
        self.stem = Conv(12, width)
        self.down1, self.same1 = Conv(width, 2 * width, 2), Conv(2 * width, 2 * width)
        self.down2, self.same2 = Conv(2 * width, 4 * width, 2), Conv(4 * width, 4 * width)
        self.down3, self.same3 = Conv(4 * width, 8 * width, 2), Conv(8 * width, 8 * width)
        self.feature = nn.Linear(16 * width, features)
        self.head = nn.Linear(features, sum(columns.values()))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = nn.functional.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
        x = self.stem(x)
        for down, same in ((self.down1, self.same1), (self.down2, self.same2), (self.down3, self.same3)):
            x = down(x)
            x = x + same(x)
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        features = torch.relu(self.feature(pooled))
        return features, self.head(features)

    def split(self, logits: torch.Tensor) -> dict[str, torch.Tensor]:
        return dict(zip(self.columns, logits.split(list(self.columns.values()), 1)))


CONVOLUTIONS = ["stem", "down1", "same1", "down2", "same2", "down3", "same3"]


def folded(network: Network) -> dict[str, torch.Tensor]:
    """The weights with the normalisations folded into the convolutions: what the file holds."""
    out = {}
    for name in CONVOLUTIONS:
        conv, norm, _ = getattr(network, name)
        scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        out[f"{name}.weight"] = conv.weight * scale[:, None, None, None]
        out[f"{name}.bias"] = norm.bias - norm.running_mean * scale
    for name in ("feature", "head"):
        layer = getattr(network, name)
        out[f"{name}.weight"], out[f"{name}.bias"] = layer.weight, layer.bias
    return {name: tensor.detach().contiguous() for name, tensor in out.items()}


class Folded(nn.Module):
    """The network as the file has it, for checking what was written: convolutions with bias."""

    def __init__(self, tensors: dict[str, torch.Tensor], columns: dict[str, int]):
        super().__init__()
        self.tensors = {name: tensor.float() for name, tensor in tensors.items()}
        self.columns = columns

    def _conv(self, name: str, x: torch.Tensor, stride: int = 1) -> torch.Tensor:
        return torch.relu(nn.functional.conv2d(x, self.tensors[f"{name}.weight"],
                                               self.tensors[f"{name}.bias"], stride, 1))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        x = self._conv("stem", nn.functional.pixel_unshuffle(x, 2))
        for level in "123":
            x = self._conv(f"down{level}", x, 2)
            x = x + self._conv(f"same{level}", x)
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        linear = nn.functional.linear
        features = torch.relu(linear(pooled, self.tensors["feature.weight"], self.tensors["feature.bias"]))
        return features, linear(features, self.tensors["head.weight"], self.tensors["head.bias"])

    split = Network.split
