"""Dumps what PyTorch computes of training into tests/fixtures/training/.

  gradients.safetensors  one batch of the toy-dev transformer with a LoRA on every linear layer of
                         its blocks: inputs, loss, `lora.KEY` and `full.NAME` gradients in fp32;
                         metadata `deviation`: how far each of them is from fp64 (relative L2);
                         `zero.*`: the same batch where some tokens are given, at timestep 0
  replay.safetensors     six micro-batches (design: --replay), read by trainings with and without
                         a LoRA
  replay_lora.safetensors / replay_full.safetensors
                         what six AdamW steps make of them: `losses`, `grad_norms`, the final
                         tensors and their EMA
  init_lora.safetensors  the adapter that both begin with, alpha folded into B
  schnell.*              the same of toy-schnell, which has no guidance embedding, with a LoRA:
                         gradients (of the weights outside the blocks too), replay, init_lora,
                         replay_lora
"""

import json
import pathlib

import torch
from diffusers import FluxTransformer2DModel
from peft import LoraConfig
from safetensors.torch import load_file, save_file

from dump_models import forward, save

FIXTURES = pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures"
ROOT = FIXTURES / "training"
RANK = 4


def base(dtype=torch.float32, name="toy-dev"):
    model = FluxTransformer2DModel.from_pretrained(FIXTURES / f"models/{name}/transformer",
                                                   torch_dtype=torch.float32)
    return model.to(dtype).requires_grad_(False)


def block_linears(model):
    return [n for n, m in model.named_modules()
            if isinstance(m, torch.nn.Linear) and "transformer_blocks" in n]


def with_lora(model, seed=3):
    """alpha = rank: the scale is 1. B is not zero, or A would have no gradient."""
    model.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=block_linears(model)))
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "lora_" in key:
                p.copy_(torch.randn(p.shape, generator=generator) * 0.1)
                p.requires_grad_(True)
    return model


def lora_state(model):
    return {"transformer." + k.replace(".default", ""): p for k, p in model.named_parameters()
            if "lora_" in k}


def pack(x):
    b, c, h, w = x.shape
    return x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 1, 3, 5).reshape(
        b, h // 2 * (w // 2), 4 * c)


def loss_of(model, batch, dtype):
    """The paper's objective: mean squared error of the velocity; guidance embedding 1."""
    x0, noise, t = (batch[k].to(dtype) for k in ("latents", "noise", "t"))
    h, w = x0.shape[-2:]
    given = batch.get("given")
    weight = torch.ones_like(x0) if given is None else (1 - given.to(dtype))[:, None].expand_as(x0)
    at = t.view(-1, 1, 1, 1)
    x = torch.where(weight > 0, (1 - at) * x0 + at * noise, x0)
    # The sinusoids are taken in fp32 everywhere, as in the model's own code.
    v = forward(model, pack(x), batch["t5"], batch["clip"], batch["t"],
                torch.ones_like(batch["t"]), h, w, dtype)
    error = (v - pack(noise - x0)).square() * pack(weight)
    return error.sum() / weight.sum()


def micro_batch(generator, config, size, length, batch=2, given=False):
    h, w = size
    r = lambda *shape: torch.randn(*shape, generator=generator)
    out = dict(latents=r(batch, 16, h, w), noise=r(batch, 16, h, w),
               t5=r(batch, length, config.joint_attention_dim),
               clip=r(batch, config.pooled_projection_dim), t=torch.sigmoid(r(batch)))
    if given:
        out["given"] = torch.zeros(batch, h, w)
        out["given"][0, : h // 2] = 1
        out["given"][1, h // 2:] = 1
    return out


def gradients(lora: bool, batch, dtype, run=loss_of, name="toy-dev"):
    model = base(dtype, name)
    if lora:
        model = with_lora(model).to(dtype)
        named = lora_state(model)
    else:
        named = dict(model.named_parameters())
        for p in named.values():
            p.requires_grad_(True)
    loss = run(model, batch, dtype)
    loss.backward()
    return {k: (torch.zeros_like(p) if p.grad is None else p.grad) for k, p in named.items()}, \
        loss.detach()


class PerToken:
    """Stands for a modulation vector [B, D] in the blocks' code, which makes it [B, 1, D] by
    indexing or unsqueezing: there it becomes one vector a token."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __getitem__(self, _):
        return self.tensor

    def unsqueeze(self, _):
        return self.tensor


def given_at_zero(model, batch, dtype):
    """The loss where the tokens of given panels are modulated by timestep 0: every adaptive norm
    gets a vector a token instead of one a sample."""
    b, h, w = batch["given"].shape
    image = batch["given"].view(b, h // 2, 2, w // 2, 2).amax((2, 4)).view(b, -1) > 0
    both = torch.cat([torch.zeros(b, batch["t5"].shape[1], dtype=torch.bool), image], 1)
    embed, inner, zero = model.time_text_embed, model.time_text_embed.forward, {}

    def embed_forward(timestep, *others):
        zero["emb"] = inner(torch.zeros_like(timestep), *others)
        return inner(timestep, *others)

    def parts(norm, emb, mask, count):
        vectors = torch.where(mask[..., None], norm.linear(norm.silu(zero["emb"]))[:, None],
                              norm.linear(norm.silu(emb))[:, None])
        return vectors.chunk(count, dim=-1)

    def double_norm(norm):
        def run(x, emb):
            shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = parts(norm, emb, image, 6)
            return (norm.norm(x) * (1 + scale) + shift, PerToken(gate),
                    PerToken(shift_mlp), PerToken(scale_mlp), PerToken(gate_mlp))
        return run

    def single_norm(norm):
        def run(x, emb):
            shift, scale, gate = parts(norm, emb, both, 3)
            return norm.norm(x) * (1 + scale) + shift, PerToken(gate)
        return run

    def last_norm(norm):
        def run(x, emb):
            scale, shift = parts(norm, emb, image, 2)
            return norm.norm(x) * (1 + scale) + shift
        return run

    embed.forward = embed_forward
    for block in model.transformer_blocks:
        block.norm1.forward = double_norm(block.norm1)
    for block in model.single_transformer_blocks:
        block.norm.forward = single_norm(block.norm)
    model.norm_out.forward = last_norm(model.norm_out)
    return loss_of(model, batch, dtype)


def both(prefix, lora, batch, run=loss_of, name="toy-dev", only=lambda key: True):
    """Loss and gradients in fp32 by the name they are stored under, and how far each gradient is
    from fp64 (relative L2)."""
    out, deviation = {}, {}
    single, loss = gradients(lora, batch, torch.float32, run, name)
    double, _ = gradients(lora, batch, torch.float64, run, name)
    out[f"{prefix}.loss"] = loss
    for key, g in single.items():
        if not only(key):
            continue
        norm = double[key].norm()
        out[f"{prefix}.{key}"] = g
        deviation[f"{prefix}.{key}"] = float((g.double() - double[key]).norm() / norm) \
            if norm > 0 else 0
    return out, deviation


def dump_gradients(config) -> None:
    generator = torch.Generator().manual_seed(11)
    out, deviation = {}, {}
    plain = micro_batch(generator, config, (6, 10), 16)
    masked = micro_batch(generator, config, (8, 4), 9, given=True)
    for prefix, batch, run in (("", plain, loss_of), ("zero.", masked, given_at_zero)):
        for key, value in batch.items():
            out[f"{prefix}batch.{key}"] = value
        for kind, lora in (("lora", True), ("full", False)):
            tensors, distances = both(prefix + kind, lora, batch, run)
            out |= tensors
            deviation |= distances
    print("largest deviation of fp32 from fp64:", max(deviation.values()))
    save(ROOT / "gradients.safetensors", out, {"deviation": json.dumps(deviation)})


def train(named, batches, loss):
    """AdamW's steps: losses and gradient norms by step, the final tensors and their EMA. `loss` is
    that of one batch."""
    optimizer = torch.optim.AdamW(named.values(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8,
                                  weight_decay=1e-2)
    ema = {k: p.detach().clone() for k, p in named.items()}
    losses, norms = [], []
    for step, batch in enumerate(batches):
        for group in optimizer.param_groups:
            group["lr"] = 1e-3 * min(1, (step + 1) / 3)  # a warm-up of three steps
        optimizer.zero_grad()
        value = loss(batch)
        value.backward()
        norms.append(torch.nn.utils.clip_grad_norm_(list(named.values()), 0.5).item())
        optimizer.step()
        losses.append(value.item())
        with torch.no_grad():
            for key, p in named.items():
                ema[key].mul_(0.9).add_(p, alpha=0.1)
    out = {"losses": torch.tensor(losses, dtype=torch.float64),
           "grad_norms": torch.tensor(norms, dtype=torch.float64)}
    return out | {"final." + key: p for key, p in named.items()}, ema


def save_replay(file: str, batches) -> None:
    save(ROOT / file, {f"{k}.{name}": v for k, b in enumerate(batches) for name, v in b.items()})


def save_lora(file: str, named) -> None:
    save(ROOT / file, named, {"lora_adapter_metadata": json.dumps({"transformer.r": RANK,
                                                                   "transformer.lora_alpha": RANK})})


def dump_replay(config) -> None:
    generator = torch.Generator().manual_seed(12)
    batches = [micro_batch(generator, config, (8, 8) if k != 4 else (12, 4), 16,
                           given=k in (1, 4)) for k in range(6)]
    save_replay("replay.safetensors", batches)
    for kind, lora in (("lora", True), ("full", False)):
        model = base()
        if lora:
            model = with_lora(model)
            named = lora_state(model)
            save_lora("init_lora.safetensors", named)
        else:
            named = dict(model.named_parameters())
            for p in named.values():
                p.requires_grad_(True)
        out, ema = train(named, batches, lambda batch: loss_of(model, batch, torch.float32))
        if lora:
            out |= {"ema." + key: value for key, value in ema.items()}
        save(ROOT / f"replay_{kind}.safetensors", out)


def dump_schnell() -> None:
    name = "toy-schnell"
    config = base(name=name).config
    generator = torch.Generator().manual_seed(13)
    batch = micro_batch(generator, config, (6, 8), 9)
    out = {"batch." + key: value for key, value in batch.items()}
    lora, deviation = both("lora", True, batch, name=name)
    # The blocks' own weights are those of toy-dev in other sizes.
    full, others = both("full", False, batch, name=name,
                        only=lambda key: "transformer_blocks" not in key)
    deviation |= others
    print("largest deviation of fp32 from fp64, schnell:", max(deviation.values()))
    save(ROOT / "schnell.gradients.safetensors", out | lora | full,
         {"deviation": json.dumps(deviation)})

    batches = [micro_batch(generator, config, (4, 8) if k != 2 else (8, 6), 7, given=k == 1)
               for k in range(4)]
    save_replay("schnell.replay.safetensors", batches)
    model = with_lora(base(name=name))
    named = lora_state(model)
    save_lora("schnell.init_lora.safetensors", named)
    save(ROOT / "schnell.replay_lora.safetensors",
         train(named, batches, lambda b: loss_of(model, b, torch.float32))[0])


def main() -> None:
    torch.set_num_threads(1)
    ROOT.mkdir(parents=True, exist_ok=True)
    config = base().config
    dump_gradients(config)
    dump_replay(config)
    dump_schnell()


if __name__ == "__main__":
    main()
