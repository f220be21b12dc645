"""Dumps toy model folders and what the reference computes with them into tests/fixtures/models/.

Beside each folder NAME/ stand
  NAME.transformer.safetensors  blocks and the whole transformer, gradients
  NAME.text.safetensors         text encoders
  NAME.vae.safetensors          encoder and decoder
  NAME.pipeline.safetensors     whole runs of FluxPipeline; the metadata key `cases` says of what
Tensors whose name ends in `.bf16` are what the reference gives when it computes in bf16.
"""

import json
import pathlib
import shutil
import sys

import torch
from diffusers import FluxPipeline
from peft import LoraConfig
from safetensors.torch import load_file, save_file

import toy

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures" / "models"
PROMPTS = ["a fox in a green forest",
           "[LEFT] a mug [RIGHT] the same mug with a blue mark, it's 50% off!", "",
           "a film storyboard: <Anna> walks through the rain. " * 8]


def save(path: pathlib.Path, tensors: dict, metadata: dict | None = None) -> None:
    save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()}, str(path),
              metadata=metadata)


def bf16_transformer(model):
    """In bf16, but timestep and guidance are embedded unrounded (as ours are): the sinusoid is
    taken of the fp32 values and only then rounded."""
    half = type(model).from_config(model.config)
    half.load_state_dict(model.state_dict())
    return half.to(torch.bfloat16).eval()


def forward(model, latents, text, pooled, timestep, guidance, h, w, dtype):
    """Calls the transformer as the pipeline does, but keeps timestep and guidance in fp32."""
    embed = model.time_text_embed
    original = embed.forward

    def unrounded(*args):
        # (timestep[, guidance], pooled), already times 1000 in the model's dtype: ours instead.
        values = [timestep * 1000] + ([guidance * 1000] if len(args) == 3 else [])
        return original(*values, args[-1])

    embed.forward = unrounded
    try:
        return model(hidden_states=latents.to(dtype), encoder_hidden_states=text.to(dtype),
                     pooled_projections=pooled.to(dtype), timestep=timestep,
                     guidance=guidance if model.config.guidance_embeds else None,
                     txt_ids=torch.zeros(text.shape[1], 3),
                     img_ids=FluxPipeline._prepare_latent_image_ids(
                         1, h // 2, w // 2, "cpu", torch.float32), return_dict=False)[0]
    finally:
        embed.forward = original


def dump_transformer(name: str, model) -> None:
    """inputs: latents [B, Li, 64], text, pooled, timestep [B], guidance [B], size = h, w;
    x_embedder..., double.{i}.{image,text}, single.{i}, temb, output; grad.* for a loss of
    mean((output - target)^2)."""
    torch.manual_seed(5)
    out = {}
    for case, (batch, h, w, length) in {"square": (1, 8, 8, 7), "wide": (2, 6, 10, 16)}.items():
        c = model.config
        inputs = dict(latents=torch.randn(batch, h // 2 * (w // 2), c.in_channels),
                      text=torch.randn(batch, length, c.joint_attention_dim),
                      pooled=torch.randn(batch, c.pooled_projection_dim),
                      timestep=torch.tensor([0.7310586, 0.0512][:batch]),
                      guidance=torch.tensor([3.5, 1.0][:batch]))
        found = {}
        hooks = []

        def keep(key):
            def hook(module, args, result):
                found[key] = result
            return hook

        hooks.append(model.time_text_embed.register_forward_hook(keep("temb")))
        for i, block in enumerate(model.transformer_blocks):
            hooks.append(block.register_forward_hook(keep(f"double.{i}")))
        for i, block in enumerate(model.single_transformer_blocks):
            hooks.append(block.register_forward_hook(keep(f"single.{i}")))
        with torch.no_grad():
            out[f"{case}.output"] = forward(model, **inputs, h=h, w=w, dtype=torch.float32)
        for hook in hooks:
            hook.remove()
        for key, value in found.items():
            if isinstance(value, tuple):
                out[f"{case}.{key}.text"], out[f"{case}.{key}.image"] = value
            else:
                out[f"{case}.{key}"] = value
        half = bf16_transformer(model)
        with torch.no_grad():
            out[f"{case}.output.bf16"] = forward(half, **inputs, h=h, w=w,
                                                 dtype=torch.bfloat16).float()
        for key, value in inputs.items():
            out[f"{case}.{key}"] = value
        out[f"{case}.size"] = torch.tensor([h, w])
    save(ROOT / f"{name}.transformer.safetensors", out)


def dump_text(name: str, pipe) -> None:
    """For prompt p and length n: p.clip_ids, p.clip_hidden, p.clip_pooled, p.t5_ids.n, p.t5.n."""
    out = {}
    clip, t5 = pipe.text_encoder, pipe.text_encoder_2
    half_clip = type(clip)(clip.config)
    half_clip.load_state_dict(clip.state_dict())
    half_t5 = type(t5)(t5.config)
    half_t5.load_state_dict(t5.state_dict())
    half_clip.to(torch.bfloat16).eval()
    half_t5.to(torch.bfloat16).eval()
    with torch.no_grad():
        for p, prompt in enumerate(PROMPTS):
            ids = pipe.tokenizer([prompt], padding="max_length", max_length=77, truncation=True,
                                 return_tensors="pt").input_ids
            result = clip(ids, output_hidden_states=False)
            out[f"{p}.clip_ids"] = ids
            out[f"{p}.clip_hidden"] = result.last_hidden_state
            out[f"{p}.clip_pooled"] = result.pooler_output
            out[f"{p}.clip_pooled.bf16"] = half_clip(ids).pooler_output.float()
            for n in (16, 64, 128):
                ids = pipe.tokenizer_2([prompt], padding="max_length", max_length=n,
                                       truncation=True, return_tensors="pt").input_ids
                out[f"{p}.t5_ids.{n}"] = ids
                if p < 2 or n == 64:
                    out[f"{p}.t5.{n}"] = t5(ids)[0]
                    out[f"{p}.t5.{n}.bf16"] = half_t5(ids)[0].float()
    save(ROOT / f"{name}.text.safetensors", out, {"prompts": json.dumps(PROMPTS)})


def dump_vae(name: str, vae) -> None:
    """image [1, 3, H, W] in -1..1 -> mean, logvar [1, 16, H/8, W/8] (before scaling);
    latents -> decoded [1, 3, H, W]."""
    torch.manual_seed(6)
    half = type(vae).from_config(vae.config)
    half.load_state_dict(vae.state_dict())
    half.to(torch.bfloat16).eval()
    out = {}
    with torch.no_grad():
        for case, (h, w) in {"square": (64, 64), "tall": (96, 32)}.items():
            image = torch.rand(1, 3, h, w) * 2 - 1
            latents = torch.randn(1, 16, h // 8, w // 8)
            posterior = vae.encode(image).latent_dist
            out[f"{case}.image"], out[f"{case}.latents"] = image, latents
            out[f"{case}.mean"], out[f"{case}.logvar"] = posterior.mean, posterior.logvar
            out[f"{case}.decoded"] = vae.decode(latents).sample
            out[f"{case}.mean.bf16"] = half.encode(
                image.bfloat16()).latent_dist.mean.float()
            out[f"{case}.decoded.bf16"] = half.decode(latents.bfloat16()).sample.float()
    save(ROOT / f"{name}.vae.safetensors", out)


def keep_unrounded(pipe) -> None:
    """Makes a bf16 pipeline embed the timestep and the guidance as they are, not rounded to bf16
    (a guidance of 3.5 times 1000 would become 3504): ours are never rounded."""
    embed = pipe.transformer.time_text_embed
    original, inner = embed.forward, pipe.transformer.forward
    wanted = {}

    def transformer_forward(*args, **kwargs):
        step = pipe.scheduler.step_index or 0
        wanted["timestep"] = pipe.scheduler.timesteps[step].reshape(1) / 1000 * 1000
        if kwargs.get("guidance") is not None:
            wanted["guidance"] = torch.tensor([pipe.guidance_scale], dtype=torch.float32) * 1000
        return inner(*args, **kwargs)

    def embed_forward(*args):
        return original(wanted["timestep"], *([wanted["guidance"]] if len(args) == 3 else []),
                        args[-1])

    pipe.transformer.forward = transformer_forward
    embed.forward = embed_forward


def run(pipe, case: dict, noise: torch.Tensor):
    """One run of FluxPipeline: final latents (unpacked) and the picture, uint8 [B, H, W, 3]."""
    batch, channels, h, w = noise.shape
    packed = FluxPipeline._pack_latents(noise.to(pipe.transformer.dtype), batch, channels, h, w)
    extra = {}
    if "negative_prompt" in case:
        extra = dict(negative_prompt=case["negative_prompt"], true_cfg_scale=case["cfg"])
    # Distinct prompts would change nothing; one prompt for all canvases.
    latents = []
    for k in range(batch):
        result = pipe(prompt=case["prompt"], height=8 * h, width=8 * w,
                      num_inference_steps=case["steps"], guidance_scale=case["guidance"],
                      latents=packed[k:k + 1], max_sequence_length=case["text_length"],
                      output_type="latent", **extra).images
        latents.append(FluxPipeline._unpack_latents(result, 8 * h, 8 * w, 8))
    latents = torch.cat(latents)
    with torch.no_grad():
        z = latents / pipe.vae.config.scaling_factor + pipe.vae.config.shift_factor
        decoded = pipe.vae.decode(z.to(pipe.vae.dtype), return_dict=False)[0].float()
    pixels = ((decoded / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
    return latents.float(), pixels.permute(0, 2, 3, 1)


def dump_pipeline(name: str, pipe, half, dev: bool) -> None:
    """For case k: k.noise, k.latents, k.picture; k.latents.bf16, k.picture.bf16."""
    base = dict(prompt=PROMPTS[0], steps=20, guidance=3.5, text_length=64)
    cases = [dict(base, size=[8, 8]), dict(base, size=[24, 8], prompt=PROMPTS[1])]
    if dev:
        cases += [dict(base, size=[16, 16], guidance=0.0, prompt=PROMPTS[3]),
                  dict(base, size=[8, 12], guidance=1.0, text_length=128, count=2),
                  dict(base, size=[8, 8], negative_prompt="blurred", cfg=2.5),
                  dict(base, size=[8, 8], loras=[["lora-a", 1.0]]),
                  dict(base, size=[8, 8], loras=[["lora-a", 0.5], ["lora-b", -0.75]])]
    else:
        cases += [dict(base, size=[8, 8], steps=4), dict(base, size=[8, 8], steps=1)]
    torch.manual_seed(9)
    out = {}
    for k, case in enumerate(cases):
        noise = torch.randn(case.get("count", 1), 16, *case["size"])
        for which, suffix in ((pipe, ""), (half, ".bf16")):
            if case.get("loras"):
                for lora, _ in case["loras"]:
                    which.load_lora_weights(str(ROOT), weight_name=f"{lora}.safetensors",
                                            adapter_name=lora)
                which.set_adapters([n for n, _ in case["loras"]], [s for _, s in case["loras"]])
            latents, picture = run(which, case, noise)
            if case.get("loras"):
                which.unload_lora_weights()
            out[f"{k}.latents{suffix}"], out[f"{k}.picture{suffix}"] = latents, picture
        out[f"{k}.noise"] = noise
    save(ROOT / f"{name}.pipeline.safetensors", out, {"cases": json.dumps(cases)})


def make_lora(model, name: str, seed: int, rank: int, targets) -> None:
    """A LoRA as diffusers writes it, B not zero; alpha differs from rank, so the metadata counts."""
    from diffusers import FluxPipeline as Pipe
    model.add_adapter(LoraConfig(r=rank, lora_alpha=2 * rank, target_modules=targets,
                                 init_lora_weights=False), adapter_name=name)
    torch.manual_seed(seed)
    with torch.no_grad():
        for key, p in model.named_parameters():
            if "lora_" in key:
                p.copy_(torch.randn_like(p) * (0.3 if "lora_A" in key else 0.2))
    from peft.utils import get_peft_model_state_dict
    state = get_peft_model_state_dict(model, adapter_name=name)
    Pipe.save_lora_weights(ROOT, transformer_lora_layers=state, weight_name=f"{name}.safetensors",
                           transformer_lora_adapter_metadata=model.peft_config[name].to_dict())
    model.delete_adapters(name)


def clean(model):
    """The same weights without any trace of adapters."""
    fresh = type(model).from_config(model.config)
    fresh.load_state_dict({k.replace(".base_layer", ""): v for k, v in model.state_dict().items()
                           if "lora_" not in k})
    return fresh.eval()


def make(name: str, seed: int, config: dict, dynamic: bool, legacy: bool, text_length: int, **more):
    path = ROOT / name
    shutil.rmtree(path, ignore_errors=True)
    pipe = toy.folder(path, seed, config, text_length, dynamic, legacy, **more)
    for file in (path / "README.md", path / "transformer" / "README.md"):
        file.unlink(missing_ok=True)
    return pipe


def main() -> None:
    torch.set_num_threads(2)
    ROOT.mkdir(parents=True, exist_ok=True)
    for name, seed, config, dynamic, legacy, length, more in (
            ("toy-dev", 10, toy.DEV, True, True, 64, {}),
            ("toy-schnell", 20, toy.SCHNELL, False, False, 128, dict(shard="200KB", words_of=ROOT / "toy-dev"))):
        pipe = make(name, seed, config, dynamic, legacy, length, **more)
        pipe.set_progress_bar_config(disable=True)
        dump_transformer(name, pipe.transformer)
        dump_text(name, pipe)
        dump_vae(name, pipe.vae)
        if name == "toy-dev":
            all_linears = [n for n, m in pipe.transformer.named_modules()
                           if isinstance(m, torch.nn.Linear) and "transformer_blocks" in n]
            make_lora(pipe.transformer, "lora-a", 31, 2, all_linears)
            pipe.transformer = clean(pipe.transformer)
            make_lora(pipe.transformer, "lora-b", 32, 3, ["to_q", "to_v", "proj_mlp"])
            pipe.transformer = clean(pipe.transformer)
        half = FluxPipeline.from_pretrained(ROOT / name, torch_dtype=torch.bfloat16)
        half.set_progress_bar_config(disable=True)
        keep_unrounded(half)
        dump_pipeline(name, pipe, half, dev=name == "toy-dev")
        # Each form of the tokenizer files is read in one of the two folders.
        if name == "toy-dev":
            (ROOT / name / "tokenizer" / "tokenizer.json").unlink()
            (ROOT / name / "tokenizer_2" / "tokenizer.json").unlink()
        else:
            for file in ("vocab.json", "merges.txt", "special_tokens_map.json"):
                (ROOT / name / "tokenizer" / file).unlink(missing_ok=True)
            (ROOT / name / "tokenizer_2" / "spiece.model").unlink()


if __name__ == "__main__":
    sys.exit(main())
