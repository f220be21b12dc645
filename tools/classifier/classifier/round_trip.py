"""round_trip --model DIR --pack DIR --count N --out DIR: drawings as a model's autoencoder gives them
back, for training and testing: what is read is what a generated picture can be at best."""

import argparse
import json
import pathlib
import struct

import numpy as np
import torch

from classifier import files
from classifier.drawings import Pack


def _shard(images: np.ndarray, labels: np.ndarray) -> bytes:
    """As tools/world writes it: images, then labels."""
    data = [images.tobytes(), labels.astype("<i2").tobytes()]
    header = json.dumps({
        "images": {"dtype": "U8", "shape": images.shape, "data_offsets": [0, len(data[0])]},
        "labels": {"dtype": "I16", "shape": labels.shape,
                   "data_offsets": [len(data[0]), len(data[0]) + len(data[1])]}}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + b"".join(data)


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(prog="round_trip", description="Drawings through an autoencoder.")
    parser.add_argument("--model", required=True, metavar="DIR", type=pathlib.Path)
    parser.add_argument("--pack", required=True, metavar="DIR", type=pathlib.Path)
    parser.add_argument("--count", required=True, type=int)
    parser.add_argument("--out", required=True, metavar="DIR", type=pathlib.Path)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    from diffusers import AutoencoderKL
    vae = AutoencoderKL.from_pretrained(options.model / "vae").eval()
    pack = Pack(options.pack)
    count = min(options.count, len(pack))
    indices = np.random.default_rng(1).permutation(len(pack))[:count]
    images = np.empty((count, 64, 64, 3), np.uint8)
    for start in range(0, count, 64):
        part = indices[start:start + 64]
        with torch.autocast("cpu", torch.bfloat16):
            pixels = vae.decode(vae.encode(pack.images(part)).latent_dist.mode()).sample
        bytes_ = ((pixels.float() / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        images[start:start + len(part)] = bytes_.permute(0, 2, 3, 1).numpy()
        if start % 640 == 0:
            print(f"{start} of {count}", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    files.publish((options.pack / "classes.json").read_bytes(), options.out / "classes.json")
    files.publish(_shard(images, pack.labels[indices]), options.out / "samples-00000.safetensors")


if __name__ == "__main__":
    main()
