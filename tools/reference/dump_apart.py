"""Dumps what given tokens that see only each other (OminiControl2's independent condition, arXiv
2503.08280), clean and at timestep 0, make of the toy-dev transformer, computed by diffusers' own
blocks under an attention mask, into tests/fixtures/training/apart.safetensors. With the LoRA of
init_lora.safetensors throughout.

  canvas.batch.*               as in gradients.safetensors: in the first sample the upper half is
                               given, in the second one corner and its opposite, in the third none
  canvas.output                velocity, packed
  canvas.gain.output           the same where the other image tokens weigh given keys 1.3 times
  canvas.loss, canvas.KEY      the loss over what is not given, and its gradients in fp32
  gdt.batch.*, gdt.boxes       as in gdt.safetensors; panels 1 and 2 of three are given
  gdt.output, gdt.loss, gdt.KEY   likewise, tokens panel by panel
metadata `deviation`: how far each gradient is from fp64 (relative L2).
"""

import json
import math

import torch

import dump_gdt
from dump_gradients import ROOT, base, given_at_zero, lora_state, micro_batch, save, with_lora

GAIN = 1.3


def given_tokens(batch):
    b, h, w = batch["given"].shape
    return batch["given"].view(b, h // 2, 2, w // 2, 2).amax((2, 4)).view(b, -1) > 0


def canvas_mask(batch, dtype, gain):
    """[B, 1, L, L], added to the scores; text first."""
    image = given_tokens(batch)
    text = torch.zeros(len(image), batch["t5"].shape[1], dtype=torch.bool)
    given = torch.cat([text, image], 1)
    target = torch.cat([text, ~image], 1)
    hidden = given[:, :, None] & ~given[:, None]
    mask = torch.zeros(hidden.shape, dtype=dtype).masked_fill(hidden, -math.inf)
    mask[target[:, :, None] & given[:, None]] += math.log(gain)
    return mask[:, None]


def canvas_loss(model, batch, dtype, gain=1.0):
    """-> loss, velocity."""
    held, inner = [], model.forward

    def run(*args, **kwargs):
        out = inner(*args, joint_attention_kwargs={"attention_mask": canvas_mask(batch, dtype, gain)},
                    **kwargs)
        held.append(out[0])
        return out

    model.forward = run
    loss = given_at_zero(model, batch, dtype)
    model.forward = inner
    return loss, held[0]


def gdt_loss(model, batch, dtype):
    """-> loss, velocity."""
    v, target, counts = dump_gdt.velocity(model, batch, dtype, (0, 1), apart=True)
    return (v - target)[:, counts].square().mean(), v


def gradients(run, batch, dtype):
    model = with_lora(base(dtype)).to(dtype)
    named = lora_state(model)
    loss, output = run(model, batch, dtype)
    loss.backward()
    return {k: (torch.zeros_like(p) if p.grad is None else p.grad) for k, p in named.items()}, \
        loss.detach(), output.detach()


def main() -> None:
    torch.set_num_threads(1)
    config = base().config
    generator = torch.Generator().manual_seed(31)
    canvas = micro_batch(generator, config, (8, 6), 7, batch=3)
    canvas["given"] = torch.zeros(3, 8, 6)
    canvas["given"][0, :4] = 1
    canvas["given"][1, :4, :2] = 1
    canvas["given"][1, 4:, 2:] = 1
    panels = dump_gdt.samples(generator, config, dump_gdt.CANVAS)
    out, deviation = {"gdt.boxes": torch.tensor(dump_gdt.CANVAS.boxes, dtype=torch.float32)}, {}
    for kind, batch, run in (("canvas", canvas, canvas_loss), ("gdt", panels, gdt_loss)):
        out |= {f"{kind}.batch.{key}": value for key, value in batch.items()}
        single, loss, output = gradients(run, batch, torch.float32)
        double, _, _ = gradients(run, batch, torch.float64)
        out |= {f"{kind}.loss": loss, f"{kind}.output": output}
        for key, g in single.items():
            norm = double[key].norm()
            out[f"{kind}.{key}"] = g
            deviation[f"{kind}.{key}"] = \
                float((g.double() - double[key]).norm() / norm) if norm > 0 else 0
    with torch.no_grad():
        out["canvas.gain.output"] = canvas_loss(with_lora(base()), canvas, torch.float32, GAIN)[1]
    print("largest deviation of fp32 from fp64:", max(deviation.values()))
    save(ROOT / "apart.safetensors", out, {"deviation": json.dumps(deviation)})


if __name__ == "__main__":
    main()
