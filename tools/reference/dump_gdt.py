"""Dumps panels as separate token sequences in one joint attention (Group Diffusion Transformers,
arXiv 2410.15027) of the toy-dev transformer into tests/fixtures/training/: diffusers' own blocks
under an attention mask, with a modulation vector a panel.

gdt.safetensors
  boxes [N, 4]          x, y, width, height of each panel in latent pixels; a gutter is left
  batch.*               as in gradients.safetensors, but t5 [B, N * Lt, .] and clip [B, N, .]
  output                velocity, tokens panel by panel
  gain.output           the same where image tokens of the other panels weigh panel 1's keys 1.3 times
  zero.output           the same where panel 1 is given: clean, at timestep 0
  lora.loss, lora.KEY           the loss over the panels and its gradients in fp32, with the LoRA
                                of init_lora.safetensors
  full.loss, full.NAME          the same of every weight, without it
  zero.lora.loss, zero.lora.KEY the same where panel 1 is given
metadata `deviation`: how far each gradient is from fp64 (relative L2).

gdt.replay.safetensors       four micro-batches (design: --replay) of two panels beside one another
                             with a gutter of 16 pixels; in two of them one panel is given, at
                             timestep 0
gdt.replay_lora.safetensors  what AdamW makes of them, as replay_lora.safetensors; it begins with
                             init_lora.safetensors
"""

import json
import math
from typing import NamedTuple

import torch

from dump_gradients import (PerToken, ROOT, base, lora_state, pack, save, save_replay, train,
                            with_lora)

LENGTH = 5  # text tokens of a panel


class Canvas(NamedTuple):
    """In latent pixels."""
    size: tuple   # height, width
    boxes: list   # x, y, width, height


CANVAS = Canvas((8, 8), [(0, 0, 4, 8), (4, 0, 4, 4), (4, 4, 4, 2)])


def panel_tokens(canvas):
    """Canvas tokens of each panel in turn, and how many each has."""
    h, w = canvas.size
    numbers = torch.arange(h // 2 * (w // 2)).view(h // 2, w // 2)
    parts = [numbers[y // 2:(y + b) // 2, x // 2:(x + a) // 2].flatten()
             for x, y, a, b in canvas.boxes]
    return torch.cat(parts), [len(p) for p in parts]


def owners(lengths):
    """The panel of every text token and of every image token."""
    n = len(lengths)
    return (torch.arange(n).repeat_interleave(LENGTH),
            torch.arange(n).repeat_interleave(torch.tensor(lengths)))


def positions(canvas, dtype=torch.float32):
    ids = []
    for _, _, a, b in canvas.boxes:
        one = torch.zeros(b // 2, a // 2, 3, dtype=dtype)
        one[..., 1] += torch.arange(b // 2)[:, None]
        one[..., 2] += torch.arange(a // 2)[None]
        ids.append(one.view(-1, 3))
    return torch.cat(ids)


def velocity(model, batch, dtype, given=None, gain=1.0, canvas=CANVAS, apart=False):
    """-> [B, panels' tokens, 64], its target, and which tokens count. given: a panel or several;
    apart: their images see only each other."""
    order, lengths = panel_tokens(canvas)
    text_of, image_of = owners(lengths)
    x0, noise = batch["latents"].to(dtype), batch["noise"].to(dtype)
    at = batch["t"].to(dtype).view(-1, 1, 1)
    clean, target = pack(x0)[:, order], pack(noise - x0)[:, order]
    x = (1 - at) * clean + at * pack(noise)[:, order]
    is_given = torch.zeros(len(image_of), dtype=torch.bool)
    if given is not None:
        is_given = torch.isin(image_of, torch.tensor(given))
        x = torch.where(is_given[None, :, None], clean, x)

    image = torch.cat([torch.zeros_like(text_of, dtype=torch.bool),
                       torch.ones_like(image_of, dtype=torch.bool)])
    owner = torch.cat([text_of, image_of])
    sees = (owner[:, None] == owner[None]) | (image[:, None] & image[None])
    if apart:
        is_given_image = torch.cat([torch.zeros_like(text_of, dtype=torch.bool), is_given])
        sees[is_given_image] = is_given_image
    mask = torch.zeros(sees.shape, dtype=dtype).masked_fill(~sees, -math.inf)
    if gain != 1.0:
        mask[(image & (owner != 0))[:, None] & (image & (owner == 0))[None]] += math.log(gain)

    # The class' own forward: that of the module is replaced below, and again at the next step.
    embed, held = model.time_text_embed, {}
    inner = type(embed).forward.__get__(embed)
    b, n = batch["clip"].shape[:2]

    def embed_forward(timestep, guidance, pooled):
        one = torch.ones(b * n)
        clip = batch["clip"].to(dtype).flatten(0, 1)
        t = (batch["t"] * 1000).repeat_interleave(n)
        held["t"] = inner(t, one * 1000, clip).view(b, n, -1)
        held["zero"] = inner(torch.zeros_like(t), one * 1000, clip).view(b, n, -1)
        return held["t"][:, 0]

    def parts(norm, which, count):
        token = {"image": image_of, "text": text_of, "both": owner}[which]
        vectors = norm.linear(norm.silu(held["t"]))[:, token]
        if given is not None and which != "text":
            zero = norm.linear(norm.silu(held["zero"]))[:, token]
            live = is_given if which == "image" else torch.cat(
                [torch.zeros_like(text_of, dtype=torch.bool), is_given])
            vectors = torch.where(live[None, :, None], zero, vectors)
        return vectors.chunk(count, dim=-1)

    def double_norm(norm, which):
        def run(x, emb):
            shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = parts(norm, which, 6)
            return (norm.norm(x) * (1 + scale) + shift, PerToken(gate), PerToken(shift_mlp),
                    PerToken(scale_mlp), PerToken(gate_mlp))
        return run

    def single_norm(norm):
        def run(x, emb):
            shift, scale, gate = parts(norm, "both", 3)
            return norm.norm(x) * (1 + scale) + shift, PerToken(gate)
        return run

    def last_norm(norm):
        def run(x, emb):
            scale, shift = parts(norm, "image", 2)
            return norm.norm(x) * (1 + scale) + shift
        return run

    embed.forward = embed_forward
    for block in model.transformer_blocks:
        block.norm1.forward = double_norm(block.norm1, "image")
        block.norm1_context.forward = double_norm(block.norm1_context, "text")
    for block in model.single_transformer_blocks:
        block.norm.forward = single_norm(block.norm)
    model.norm_out.forward = last_norm(model.norm_out)
    v = model(hidden_states=x, encoder_hidden_states=batch["t5"].to(dtype),
              pooled_projections=batch["clip"][:, 0].to(dtype), timestep=batch["t"],
              guidance=torch.ones_like(batch["t"]), txt_ids=torch.zeros(len(text_of), 3),
              img_ids=positions(canvas), joint_attention_kwargs={"attention_mask": mask},
              return_dict=False)[0]
    return v, target, ~is_given


def loss_of(model, batch, dtype, given=None, canvas=CANVAS):
    v, target, counts = velocity(model, batch, dtype, given, canvas=canvas)
    return (v - target)[:, counts].square().mean()


def gradients(lora, batch, dtype, given=None):
    model = base(dtype)
    if lora:
        model = with_lora(model).to(dtype)
        named = lora_state(model)
    else:
        named = dict(model.named_parameters())
        for p in named.values():
            p.requires_grad_(True)
    loss = loss_of(model, batch, dtype, given)
    loss.backward()
    return {k: (torch.zeros_like(p) if p.grad is None else p.grad) for k, p in named.items()}, \
        loss.detach()


def samples(generator, config, canvas, batch=2):
    r = lambda *shape: torch.randn(*shape, generator=generator)
    n = len(canvas.boxes)
    return dict(latents=r(batch, 16, *canvas.size), noise=r(batch, 16, *canvas.size),
                t5=r(batch, n * LENGTH, config.joint_attention_dim),
                clip=r(batch, n, config.pooled_projection_dim), t=torch.sigmoid(r(batch)))


def dump_replay(config) -> None:
    generator = torch.Generator().manual_seed(22)
    wide, tall = Canvas((4, 14), [(0, 0, 6, 4), (8, 0, 6, 4)]), \
        Canvas((8, 10), [(0, 0, 4, 8), (6, 0, 4, 8)])
    steps = []  # batch, panel that is given, canvas
    for canvas, given in ((tall, None), (tall, 0), (wide, None), (wide, 1)):
        batch = samples(generator, config, canvas)
        if given is not None:
            x, y, a, b = canvas.boxes[given]
            batch["given"] = torch.zeros(len(batch["t"]), *canvas.size)
            batch["given"][:, y:y + b, x:x + a] = 1
        steps.append((batch, given, canvas))
    save_replay("gdt.replay.safetensors", [batch for batch, _, _ in steps])
    model = with_lora(base())
    save(ROOT / "gdt.replay_lora.safetensors",
         train(lora_state(model), steps,
               lambda step: loss_of(model, step[0], torch.float32, *step[1:]))[0])


def main() -> None:
    torch.set_num_threads(1)
    config = base().config
    generator = torch.Generator().manual_seed(21)
    inputs = samples(generator, config, CANVAS)
    out = {"boxes": torch.tensor(CANVAS.boxes, dtype=torch.float32)}
    out |= {"batch." + k: v for k, v in inputs.items()}
    with torch.no_grad():
        out["output"] = velocity(base(), inputs, torch.float32)[0]
        out["gain.output"] = velocity(base(), inputs, torch.float32, gain=1.3)[0]
        out["zero.output"] = velocity(base(), inputs, torch.float32, given=0)[0]
    deviation = {}
    for prefix, given, kinds in (("", None, ("lora", "full")), ("zero.", 0, ("lora",))):
        for kind in kinds:
            single, loss = gradients(kind == "lora", inputs, torch.float32, given)
            double, _ = gradients(kind == "lora", inputs, torch.float64, given)
            out[f"{prefix}{kind}.loss"] = loss
            for key, g in single.items():
                name, norm = f"{prefix}{kind}.{key}", double[key].norm()
                out[name] = g
                deviation[name] = float((g.double() - double[key]).norm() / norm) if norm > 0 else 0
    print("largest deviation of fp32 from fp64:", max(deviation.values()))
    save(ROOT / "gdt.safetensors", out, {"deviation": json.dumps(deviation)})
    dump_replay(config)


if __name__ == "__main__":
    main()
