"""Compares `iclora train` with PyTorch + PEFT: same weights, same adapter, same replayed batches.

    python benchmarks/compare_training.py --iclora build/release/bin/iclora --model DIR [...]

First the losses of all steps are asserted equal (relative 1e-4 in fp32, 2e-2 in bf16). Then runs of
the two are interleaved, each in a process of its own, and of each the median of its steps (forward,
backward, clipping, AdamW) is taken, the first two left out; the ratio theirs / ours is taken pair
by pair. Needs the venv of tools/reference.
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

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools" / "reference"))

RATE, DECAY = 1e-4, 1e-4


def theirs(folder: pathlib.Path, model_folder: str, dtype: torch.dtype, steps: int,
           rank: int) -> None:
    """The peer's process: prints losses and seconds of each step."""
    from diffusers import FluxTransformer2DModel
    from peft import LoraConfig
    from dump_gradients import block_linears, lora_state, loss_of

    model = FluxTransformer2DModel.from_pretrained(pathlib.Path(model_folder) / "transformer",
                                                   torch_dtype=dtype).requires_grad_(False)
    model.add_adapter(LoraConfig(r=rank, lora_alpha=rank, target_modules=block_linears(model)))
    named, initial = lora_state(model), load_file(str(folder / "init.safetensors"))
    for key, parameter in named.items():
        parameter.data = initial[key].clone()  # fp32, as is usual beside a bf16 base
        parameter.requires_grad_(True)
    batches = load_file(str(folder / "replay.safetensors"))
    optimizer = torch.optim.AdamW(named.values(), lr=RATE, weight_decay=DECAY)
    losses, seconds = [], []
    for step in range(steps):
        batch = {name: batches[f"{step}.{name}"] for name in ("latents", "noise", "t5", "clip", "t")}
        begin = time.perf_counter()
        optimizer.zero_grad()
        loss = loss_of(model, batch, dtype)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(named.values()), 1.0)
        optimizer.step()
        seconds.append(time.perf_counter() - begin)
        losses.append(loss.item())
    print(json.dumps({"losses": losses, "seconds": seconds}))


def material(folder: pathlib.Path, args) -> None:
    """The adapter that both begin with and the batches that both see."""
    transformer = pathlib.Path(args.model) / "transformer"
    config = json.loads((transformer / "config.json").read_text())
    shapes = {}
    for path in transformer.glob("*.safetensors"):
        shapes.update({key: value.shape for key, value in load_file(str(path)).items()})
    generator = torch.Generator().manual_seed(5)

    def normal(*shape):
        return torch.randn(*shape, generator=generator)

    adapter = {}
    for key, shape in sorted(shapes.items()):
        if "transformer_blocks" in key and key.endswith(".weight") and len(shape) == 2:
            module = "transformer." + key.removesuffix(".weight")
            adapter[module + ".lora_A.weight"] = normal(args.rank, shape[1]) * shape[1] ** -0.5
            adapter[module + ".lora_B.weight"] = normal(shape[0], args.rank) * 0.01
    save_file(adapter, str(folder / "init.safetensors"), {"lora_adapter_metadata": json.dumps(
        {"transformer.r": args.rank, "transformer.lora_alpha": args.rank})})
    width, height = map(int, args.size.split("x"))
    batches = {}
    for step in range(args.steps):
        batches[f"{step}.latents"] = normal(args.batch, 16, height // 8, width // 8)
        batches[f"{step}.noise"] = normal(args.batch, 16, height // 8, width // 8)
        batches[f"{step}.t5"] = normal(args.batch, args.text_length, config["joint_attention_dim"])
        batches[f"{step}.clip"] = normal(args.batch, config["pooled_projection_dim"])
        batches[f"{step}.t"] = torch.sigmoid(normal(args.batch))
    save_file(batches, str(folder / "replay.safetensors"))
    (folder / "train.yaml").write_text(
        f"model: {args.model}\ndata: {{path: {folder}}}\n"
        f"lora: {{rank: {args.rank}, alpha: {args.rank}}}\n"
        f"train: {{steps: {args.steps}, batch: {args.batch}, learning_rate: {RATE}, ema: 0, "
        f"weight_decay: {DECAY}, dtype: {args.dtype}, threads: {args.threads}}}\n"
        f"save: {{every: 0}}\n")


def main() -> None:
    if sys.argv[1] == "theirs":
        folder, model, dtype, steps, rank, threads = sys.argv[2:]
        torch.set_num_threads(int(threads))
        theirs(pathlib.Path(folder), model, getattr(torch, dtype), int(steps), int(rank))
        return
    parser = argparse.ArgumentParser()
    parser.add_argument("--iclora", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--size", default="64x192")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--steps", type=int, default=8)
    parser.add_argument("--dtype", choices=["fp32", "bf16"], default="bf16")
    parser.add_argument("--text-length", type=int, default=128)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--pairs", type=int, default=5)
    args = parser.parse_args()
    args.model = str(pathlib.Path(args.model).resolve())
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        material(folder, args)

        def run_ours(number: int) -> dict:
            out = folder / f"run-{number}"
            subprocess.run([args.iclora, "train", str(folder / "train.yaml"), "--replay",
                            str(folder / "replay.safetensors"), "--init-lora",
                            str(folder / "init.safetensors"), "--out", str(out)],
                           check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
            return {key: [line[one] for line in lines]
                    for key, one in (("losses", "loss"), ("seconds", "seconds"))}

        def run_theirs() -> dict:
            dtype = {"fp32": "float32", "bf16": "bfloat16"}[args.dtype]
            run = subprocess.run([sys.executable, __file__, "theirs", str(folder), args.model, dtype,
                                  str(args.steps), str(args.rank), str(args.threads)],
                                 check=True, capture_output=True, text=True)
            return json.loads(run.stdout.splitlines()[-1])

        pairs = []
        for number in range(args.pairs):
            a, b = run_ours(number), run_theirs()
            apart = max(abs(x - y) / abs(y) for x, y in zip(a["losses"], b["losses"], strict=True))
            assert apart < (1e-4 if args.dtype == "fp32" else 2e-2), f"losses differ: {apart}"
            pairs.append((statistics.median(a["seconds"][2:]), statistics.median(b["seconds"][2:])))
    ratio = sorted(b / a for a, b in pairs)
    print(f"{args.size} {args.dtype}, batch {args.batch}, rank {args.rank}, {args.threads} threads: "
          f"losses differ by {apart:.1e} at most; a step: ours "
          f"{statistics.median(a for a, _ in pairs):.3f} s, PyTorch + PEFT "
          f"{statistics.median(b for _, b in pairs):.3f} s, ratio median "
          f"{statistics.median(ratio):.2f} ({ratio[0]:.2f} to {ratio[-1]:.2f}, {len(ratio)} pairs)")


if __name__ == "__main__":
    main()
