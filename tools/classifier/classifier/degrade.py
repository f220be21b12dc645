"""What generated pictures suffer and drawings do not: softness, lost detail, noise, a shift of tint."""

import functools
import math

import torch


def blurred(x: torch.Tensor, amount: float) -> torch.Tensor:
    """Two passes of [a, 1 - 2a, a] each way."""
    for _ in range(2):
        for axis in (2, 3):
            size = x.shape[axis]
            before = torch.cat([x.narrow(axis, 0, 1), x.narrow(axis, 0, size - 1)], axis)
            after = torch.cat([x.narrow(axis, 1, size - 1), x.narrow(axis, size - 1, 1)], axis)
            x = (1 - 2 * amount) * x + amount * (before + after)
    return x


@functools.cache
def _cosines() -> torch.Tensor:
    k, n = torch.arange(8.0)[:, None], torch.arange(8.0)[None, :]
    out = torch.cos(math.pi * (n + 0.5) * k / 8) / 2
    out[0] /= math.sqrt(2)
    return out


_TO_LUMA = torch.tensor([[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]])


def few_coefficients(x: torch.Tensor, luma: torch.Tensor, chroma: torch.Tensor,
                     coarse: float) -> torch.Tensor:
    """Blocks of 8x8 keep only slow cosines, as an autoencoder of factor 8 with few channels does.
    luma, chroma [N]: the largest sum of frequencies kept; coarse: step of the coefficients' rounding."""
    count, _, height, width = x.shape
    cosines = _cosines()
    planes = torch.einsum("ij,njhw->nihw", _TO_LUMA, x).view(count, 3, height // 8, 8, width // 8, 8)
    coefficients = torch.einsum("ka,ncyaxb,lb->ncykxl", cosines, planes, cosines)
    total = torch.arange(8.0)[:, None] + torch.arange(8.0)[None, :]
    most = torch.stack([luma, chroma, chroma], 1)[:, :, None, None]
    keep = (total <= most).float()[:, :, None, :, None, :]
    coefficients = (coefficients / coarse).round() * coarse * keep
    planes = torch.einsum("ka,ncykxl,lb->ncyaxb", cosines, coefficients, cosines)
    return torch.einsum("ij,njhw->nihw", torch.linalg.inv(_TO_LUMA), planes.reshape(x.shape))


def resized(x: torch.Tensor, size: int) -> torch.Tensor:
    """Smaller and back."""
    small = torch.nn.functional.interpolate(x, size=(size, size), mode="area")
    return torch.nn.functional.interpolate(small, size=x.shape[-2:], mode="bicubic", align_corners=False)


def shifted(x: torch.Tensor, down: int, right: int) -> torch.Tensor:
    padded = torch.nn.functional.pad(x, (3, 3, 3, 3), mode="replicate")
    return padded[:, :, 3 - down:67 - down, 3 - right:67 - right]


def degraded(x: torch.Tensor, seed: int) -> torch.Tensor:
    """A batch in which a third is as drawn but moved, the others each have lost something."""
    draws = torch.Generator().manual_seed(seed)

    def uniform(low: float, high: float, *shape: int) -> torch.Tensor:
        return low + (high - low) * torch.rand(shape or (1,), generator=draws)

    parts = list(x.chunk(6))
    parts[2] = blurred(parts[2], float(uniform(0.03, 0.25)))
    parts[3] = resized(parts[3], int(uniform(28, 60)))
    offset = [int(uniform(0, 8)), int(uniform(0, 8))]
    rolled = torch.cat(parts[4:]).roll(offset, (2, 3))
    count = len(rolled)
    rolled = few_coefficients(rolled, uniform(3, 11, count), uniform(1, 7, count), float(uniform(0.01, 0.3)))
    parts[4:] = [rolled.roll([-offset[0], -offset[1]], (2, 3))]
    parts = [shifted(part, int(uniform(-3, 4)), int(uniform(-3, 4))) for part in parts]
    x = torch.cat(parts)
    count = len(x)
    # Half of the pictures with a slightly other tint and contrast, some of them with noise.
    order = torch.randperm(count, generator=draws)
    tinted, noisy = order[::2], order[::3]
    half, third = len(tinted), len(noisy)
    x[tinted] = x[tinted] * (1 + uniform(-0.08, 0.08, half, 3, 1, 1)) + uniform(-0.06, 0.06, half, 3, 1, 1)
    amount = uniform(0, 0.1, third, 1, 1, 1)
    x[noisy] += amount * torch.randn(third, *x.shape[1:], generator=draws)
    return x.clamp_(-1, 1)
