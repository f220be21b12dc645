"""How often each column is read right."""

import numpy as np
import torch

from classifier import degrade
from classifier.drawings import Pack

# Fixed degradations, so that versions of the classifier can be compared.
CONDITIONS = {
    "drawn": lambda x: x,
    "blurred": lambda x: degrade.blurred(x, 0.2),
    "rough": lambda x: degrade.few_coefficients(
        x, torch.full((len(x),), 7.0), torch.full((len(x),), 4.0), 0.15).clamp(-1, 1),
    "noisy": lambda x: (x + 0.08 * torch.randn(x.shape, generator=torch.Generator().manual_seed(1))).clamp(-1, 1),
}


@torch.inference_mode()
def accuracy(network, pack: Pack, condition: str = "drawn", batch: int = 250) -> dict[str, dict]:
    """{column: {"right", "of"}} over all drawings that have the column."""
    right = {column: 0 for column in pack.classes}
    of = dict(right)
    for start in range(0, len(pack), batch):
        indices = np.arange(start, min(len(pack), start + batch))
        _, logits = network(CONDITIONS[condition](pack.images(indices)))
        labels = torch.from_numpy(pack.labels[indices].astype(np.int64))
        for i, (column, scores) in enumerate(network.split(logits).items()):
            there = labels[:, i] >= 0
            of[column] += int(there.sum())
            right[column] += int((scores.argmax(1) == labels[:, i])[there].sum())
    return {column: {"right": right[column], "of": of[column]} for column in pack.classes if of[column]}
