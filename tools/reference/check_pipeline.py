"""Compares a run of the program with diffusers' FluxPipeline on any model folder.

    python tools/reference/check_pipeline.py --iclora build/release/bin/iclora --model DIR \\
        --prompt 'a fox' [--size 64x64] [--steps 20] [--guidance 3.5] [--text-length N]

Both get the same noise file. fp32: final latents within 1e-4 (relative L2), pictures within 2 of
255 and 0.2 on average. bf16: at most 1.5 times the error that diffusers in bf16 makes against its
own fp32. Exit 1 when a bound is broken.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from diffusers import FluxPipeline
from PIL import Image
from safetensors.torch import load_file, save_file

from dump_models import keep_unrounded


def reference(args, noise: torch.Tensor, dtype: torch.dtype) -> tuple[torch.Tensor, np.ndarray]:
    pipe = FluxPipeline.from_pretrained(args.model, torch_dtype=dtype)
    pipe.set_progress_bar_config(disable=True)
    keep_unrounded(pipe)
    count, channels, h, w = noise.shape
    with torch.no_grad():
        packed = pipe(
            args.prompt, height=8 * h, width=8 * w, num_inference_steps=args.steps,
            guidance_scale=args.guidance, max_sequence_length=args.text_length,
            latents=FluxPipeline._pack_latents(noise.to(dtype), count, channels, h, w),
            output_type="latent").images
        latents = FluxPipeline._unpack_latents(packed, 8 * h, 8 * w, 8)
        config = pipe.vae.config
        pixels = pipe.vae.decode(latents / config.scaling_factor + config.shift_factor).sample
    picture = ((pixels.float() / 2 + 0.5).clamp(0, 1) * 255).round()[0].permute(1, 2, 0)
    return latents.float(), picture.numpy()


def ours(args, noise: torch.Tensor, dtype: str) -> tuple[torch.Tensor, np.ndarray]:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        save_file({"noise": noise}, str(folder / "noise.safetensors"))
        subprocess.run(
            [args.iclora, "generate", "--model", args.model, "--prompt", args.prompt, "--grid",
             "1x1", "--size", args.size, "--steps", str(args.steps), "--guidance",
             str(args.guidance), "--text-length", str(args.text_length), "--dtype", dtype,
             "--noise", str(folder / "noise.safetensors"), "--save-latents",
             str(folder / "latents.safetensors"), "--out", str(folder / "picture.png")],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        latents = load_file(str(folder / "latents.safetensors"))["latents"]
        return latents, np.asarray(Image.open(folder / "picture.png").convert("RGB"), np.float32)


def relative(a: torch.Tensor, b: torch.Tensor) -> float:
    return ((a - b).double().norm() / b.double().norm()).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--iclora", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--size", default="64x64")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--guidance", type=float, default=3.5)
    parser.add_argument("--text-length", type=int, default=64)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    generator = torch.Generator().manual_seed(args.seed)
    noise = torch.randn(1, 16, height // 8, width // 8, generator=generator)

    broken = []

    def bound(what: str, found: float, most: float) -> None:
        print(f"{what:32} {found:.3g} (at most {most:.3g})")
        if not found <= most:
            broken.append(what)

    expected, expected_picture = reference(args, noise, torch.float32)
    latents, picture = ours(args, noise, "fp32")
    bound("fp32 latents, relative L2", relative(latents, expected), 1e-4)
    difference = np.abs(picture - expected_picture)
    bound("fp32 picture, largest", difference.max(), 2)
    bound("fp32 picture, mean", difference.mean(), 0.2)
    rounded, _ = reference(args, noise, torch.bfloat16)
    bound("bf16 latents, relative L2", relative(ours(args, noise, "bf16")[0], expected),
          1.5 * relative(rounded, expected))
    if broken:
        sys.exit("Beyond the bound: " + "; ".join(broken))


if __name__ == "__main__":
    main()
