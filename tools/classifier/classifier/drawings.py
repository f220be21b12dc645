"""The packs that tools/world draws, mapped into memory."""

import json
import pathlib
import struct

import numpy as np
import torch


def _shard(path: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    """images uint8 [N, 64, 64, 3], mapped; labels int16 [N, C]. Panels of canvases count as drawings."""
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(length))
    data = np.memmap(path, np.uint8, "r", offset=8 + length)

    def tensor(name: str, dtype: str) -> np.ndarray:
        begin, end = header[name]["data_offsets"]
        return data[begin:end].view(dtype).reshape(header[name]["shape"])

    images, labels = tensor("images", "u1"), tensor("labels", "<i2")
    return images.reshape(-1, *images.shape[-3:]), labels.reshape(-1, labels.shape[-1])


class Pack:
    def __init__(self, folder: pathlib.Path):
        files = sorted(folder.glob("*.safetensors"))
        if not files:
            raise SystemExit(f"classifier: '{folder}' holds no packs; tools/world/draw samples makes them.")
        self.name = folder.name
        classes = json.loads((folder / "classes.json").read_text())
        self.classes: dict[str, list[str]] = {name: classes["classes"][name] for name in classes["columns"]}
        shards = [_shard(path) for path in files]
        self._images = [images for images, _ in shards]
        self._starts = np.cumsum([0] + [len(images) for images in self._images])
        self.labels = np.concatenate([labels for _, labels in shards])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def images(self, indices: np.ndarray) -> torch.Tensor:
        """float [N, 3, 64, 64] in -1..1."""
        out = np.empty((len(indices), 64, 64, 3), np.uint8)
        for i, index in enumerate(indices):
            shard = int(np.searchsorted(self._starts, index, "right")) - 1
            out[i] = self._images[shard][index - self._starts[shard]]
        return torch.from_numpy(out).permute(0, 3, 1, 2).float() / 127.5 - 1


class Mixture:
    """Drawings of several packs at random, each pack as often as its weight says. What is drawn in a
    step depends on seed and step alone."""

    def __init__(self, packs: list[tuple[Pack, float]], seed: int):
        self.packs = [pack for pack, _ in packs]
        for pack in self.packs[1:]:
            if pack.classes != self.packs[0].classes:
                raise SystemExit(f"classifier: '{pack.name}' and '{self.packs[0].name}' have different "
                                 "classes; draw them with the same catalogue.")
        weights = np.array([weight for _, weight in packs])
        self._weights, self._seed = weights / weights.sum(), seed

    def batch(self, step: int, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        draws = np.random.default_rng([self._seed, step])
        counts = draws.multinomial(size, self._weights)
        images, labels = [], []
        for pack, count in zip(self.packs, counts):
            if count:
                indices = draws.integers(0, len(pack), count)
                images.append(pack.images(indices))
                labels.append(torch.from_numpy(pack.labels[indices].astype(np.int64)))
        order = torch.from_numpy(draws.permutation(size))
        return torch.cat(images)[order], torch.cat(labels)[order]
