"""Loads a LoRA that iclora trained into diffusers, and compares.

    check_lora.py MODEL LORA [--dump OUT.safetensors]

Every tensor of the file must arrive in the transformer, unchanged and none left over. Then one
canvas is sampled; --dump keeps its noise, latents and picture (with the adapter and without), which
tests/sampling compares with what `generate` makes of the same file.
"""

import argparse
import json
import pathlib

import torch
from diffusers import FluxPipeline
from safetensors import safe_open

from dump_models import run, save

# The prompt begins with the trigger of the committed file: `generate` puts it there by itself.
CASE = dict(prompt="[BALL] the ball on the left [SCENE-1] here [SCENE-2] there [SCENE-3] gone",
            steps=20, guidance=3.5, text_length=64, size=[12, 4])


def loaded(pipe) -> dict:
    """The adapter's tensors as diffusers holds them, by the names of the file."""
    return {"transformer." + name.replace(".default_0", ""): p
            for name, p in pipe.transformer.named_parameters() if ".lora_" in name}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("lora", type=pathlib.Path)
    parser.add_argument("--dump", type=pathlib.Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(21)
    noise = torch.randn(1, 16, *CASE["size"])
    pipe = FluxPipeline.from_pretrained(args.model)
    pipe.set_progress_bar_config(disable=True)
    base, _ = run(pipe, CASE, noise)

    pipe.load_lora_weights(str(args.lora.parent), weight_name=args.lora.name)
    ours = safe_open(args.lora, "pt")
    theirs = loaded(pipe)
    missing = sorted(set(ours.keys()) - set(theirs))
    extra = sorted(set(theirs) - set(ours.keys()))
    assert not missing and not extra, f"not loaded: {missing[:3]}; not in the file: {extra[:3]}"
    for key, value in theirs.items():
        assert torch.equal(value, ours.get_tensor(key).to(value.dtype)), key
    config = next(iter(pipe.transformer.peft_config.values()))
    rank = json.loads(ours.metadata()["lora_adapter_metadata"])["transformer.r"]
    assert config.r == rank and config.lora_alpha == rank, (config.r, config.lora_alpha)

    latents, picture = run(pipe, CASE, noise)
    change = ((latents - base).norm() / base.norm()).item()
    print(f"{len(theirs)} tensors loaded, rank {rank}; the adapter moves the latents by {change:.3f}")
    assert change > 1e-3, "the adapter changes nothing"
    if args.dump:
        save(args.dump, {"0.noise": noise, "0.latents": latents, "0.picture": picture,
                         "base.latents": base}, {"cases": json.dumps([CASE])})


if __name__ == "__main__":
    main()
