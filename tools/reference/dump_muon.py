"""Five steps of torch.optim.Muon on matrices of several shapes: tests/fixtures/training/muon.safetensors.

parameter.I.S and gradient.I.S are the values before step S and the gradient of it, exact.I.S what
the same steps give where the iteration is computed in fp64 in place of torch's bf16.
"""

import pathlib

import torch
from safetensors.torch import save_file

SHAPES = [(8, 8), (6, 20), (24, 5)]
STEPS = 5
RATE, MOMENTUM, DECAY = 0.02, 0.95, 0.1


def orthogonalised(matrix: torch.Tensor) -> torch.Tensor:
    x = matrix.double()
    x = x.T if x.size(0) > x.size(1) else x
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    return x.T if matrix.size(0) > matrix.size(1) else x


def main() -> None:
    generator = torch.Generator().manual_seed(3)
    tensors = {}
    for i, shape in enumerate(SHAPES):
        parameter = torch.nn.Parameter(torch.randn(shape, generator=generator))
        optimizer = torch.optim.Muon(
            [parameter], lr=RATE, momentum=MOMENTUM, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"
        )
        exact, momentum = parameter.detach().double(), torch.zeros(shape, dtype=torch.float64)
        tensors[f"parameter.{i}.0"] = parameter.detach().clone()
        for step in range(STEPS):
            # One direction far above the others, as gradients are.
            gradient = torch.randn(shape, generator=generator)
            gradient += 8 * torch.outer(
                torch.randn(shape[0], generator=generator), torch.randn(shape[1], generator=generator)
            )
            parameter.grad = gradient
            tensors[f"gradient.{i}.{step}"] = gradient.clone()
            optimizer.step()
            tensors[f"parameter.{i}.{step + 1}"] = parameter.detach().clone()
            momentum = MOMENTUM * momentum + (1 - MOMENTUM) * gradient.double()
            update = (1 - MOMENTUM) * gradient.double() + MOMENTUM * momentum
            rate = RATE * 0.2 * max(shape) ** 0.5
            exact = exact * (1 - RATE * DECAY) - rate * orthogonalised(update)
            tensors[f"exact.{i}.{step + 1}"] = exact.float()
    out = pathlib.Path(__file__).parents[2] / "tests/fixtures/training/muon.safetensors"
    save_file(tensors, out)


if __name__ == "__main__":
    main()
