"""Compares `iclora generate` with diffusers on one model folder: same weights, noise, prompt.

    python benchmarks/compare_diffusers.py --iclora build/release/bin/iclora --model DIR [...]

First the final latents of both are asserted equal (rel. L2 below 1e-3 in fp32, 5e-2 in bf16).
Then runs are interleaved, ours and theirs in turn, and the ratio theirs / ours is taken pair by
pair: `sampling`, the denoising steps after the first (ours: what a run takes less what a run of
one step takes; theirs: timed inside the loop), and `whole`, the whole process, start and imports
included. With --processor-time it is seconds of the processor, not of the clock, which other
programs disturb less; meant for one thread. Needs the venv of tools/reference.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import torch
from safetensors.torch import load_file, save_file

PEER = """
import sys, time, torch
from diffusers import FluxPipeline
from safetensors.torch import load_file, save_file
model, noise, out, dtype, steps, guidance, length, threads, prompt, processor = sys.argv[1:11]
clock = time.process_time if processor == "1" else time.time
torch.set_num_threads(int(threads))
dtype = getattr(torch, dtype)
pipe = FluxPipeline.from_pretrained(model, torch_dtype=dtype)
pipe.set_progress_bar_config(disable=True)
z = load_file(noise)["noise"]
b, c, h, w = z.shape
marks = []
def mark(p, i, t, k):
    marks.append(clock())
    return k
marks.append(clock())
latents = pipe(prompt, height=8*h, width=8*w, num_inference_steps=int(steps),
               guidance_scale=float(guidance), max_sequence_length=int(length),
               latents=FluxPipeline._pack_latents(z.to(dtype), b, c, h, w), output_type="latent",
               callback_on_step_end=mark).images
final = FluxPipeline._unpack_latents(latents, 8*h, 8*w, 8)
with torch.no_grad():
    pipe.vae.decode((final / pipe.vae.config.scaling_factor + pipe.vae.config.shift_factor)
                    .to(pipe.vae.dtype))
save_file({"latents": final.float().contiguous()}, out)
print("sampling", marks[-1] - marks[1])
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--iclora", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--size", default="128x128")
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--text-length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--processor-time", action="store_true")
    args = parser.parse_args()
    width, height = map(int, args.size.split("x"))
    scratch = tempfile.TemporaryDirectory()
    folder = pathlib.Path(scratch.name)
    torch.manual_seed(1)
    noise = torch.randn(1, 16, height // 8, width // 8)
    save_file({"noise": noise}, str(folder / "noise.safetensors"))
    (folder / "peer.py").write_text(PEER)
    prompt = "a fox in a green forest"
    # diffusers rounds guidance times 1000 to bf16, and bf16 holds 4000 exactly.
    guidance = "4.0"

    def timed(command):
        """Seconds that a process took, start included."""
        before, start = os.times(), time.time()
        run = subprocess.run(command, capture_output=True, text=True)
        after = os.times()
        if run.returncode:
            sys.exit(run.stderr)
        if args.processor_time:
            seconds = (after.children_user + after.children_system
                       - before.children_user - before.children_system)
        else:
            seconds = time.time() - start
        return run.stdout, seconds

    def run_ours(steps):
        out, whole = timed(
            [args.iclora, "generate", "--model", args.model, "--prompt", prompt, "--grid", "1x1",
             "--size", args.size, "--steps", str(steps), "--guidance", guidance, "--dtype", args.dtype,
             "--text-length", str(args.text_length), "--threads", str(args.threads),
             "--noise", str(folder / "noise.safetensors"), "--save-latents", str(folder / "ours.st"),
             "--out", str(folder / "out"), "--json"])
        return whole if args.processor_time else json.loads(out)["seconds"], whole

    def ours():
        short, _ = run_ours(1)
        seconds, whole = run_ours(args.steps)
        return seconds - short, whole

    def theirs():
        out, whole = timed(
            [sys.executable, str(folder / "peer.py"), args.model, str(folder / "noise.safetensors"),
             str(folder / "theirs.st"), {"fp32": "float32", "bf16": "bfloat16"}[args.dtype],
             str(args.steps), guidance, str(args.text_length), str(args.threads), prompt,
             str(int(args.processor_time))])
        sampling = [line for line in out.splitlines() if line.startswith("sampling")][0]
        return float(sampling.split()[1]), whole

    pairs = []
    for k in range(args.pairs + 1):
        a, b = ours(), theirs()
        if k == 0:  # warm-up, and the proof that both computed the same
            x = load_file(str(folder / "ours.st"))["latents"]
            y = load_file(str(folder / "theirs.st"))["latents"]
            error = ((x - y).norm() / y.norm()).item()
            assert error < (1e-3 if args.dtype == "fp32" else 5e-2), f"outputs differ: {error}"
            print(f"{args.size} {args.dtype}, {args.steps} steps, {args.threads} threads: "
                  f"latents differ by {error:.1e}")
            continue
        pairs.append((a, b))
    for i, name in enumerate(("sampling", "whole")):
        ratio = sorted(b[i] / a[i] for a, b in pairs)
        print(f"{name:9} ours {statistics.median(a[i] for a, _ in pairs):.3f} s, diffusers "
              f"{statistics.median(b[i] for _, b in pairs):.3f} s, ratio median "
              f"{statistics.median(ratio):.2f} ({ratio[0]:.2f} to {ratio[-1]:.2f})")


if __name__ == "__main__":
    main()
