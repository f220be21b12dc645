"""Dumps text encoders and autoencoders of unusual shapes into tests/fixtures/{text,vae}/NAME/:
config.json, model.safetensors (the weights) and expected.safetensors (inputs and results).
What the shapes of FLUX.1 itself give is dumped by dump_models.py.
Tensors whose name ends in `.bf16` are what the reference gives when it computes in bf16.
"""

import json
import pathlib

import torch
from diffusers import AutoencoderKL
from safetensors.torch import save_file
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

import toy

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures"


def write(folder: str, config: dict, weights: dict, expected: dict) -> None:
    path = ROOT / folder
    path.mkdir(parents=True, exist_ok=True)
    config = {k: v for k, v in config.items() if not k.startswith("_")}
    (path / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    for file, tensors in (("model", weights), ("expected", expected)):
        save_file({k: v.detach().contiguous().clone() for k, v in tensors.items()},
                  str(path / f"{file}.safetensors"))


def half(model):
    copy = type(model)(model.config) if not hasattr(model, "from_config") else \
        type(model).from_config(model.config)
    copy.load_state_dict(model.state_dict())
    return copy.to(torch.bfloat16).eval()


def clip() -> None:
    """Keys with `text_model.`; head size 8; ids [4, 12]: the end in the middle, padded with itself;
    at the very end; at the start; not there at all (pooled at 0)."""
    vocabulary, eos = 60, 59
    model = toy.natural(CLIPTextModel(CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=24, intermediate_size=40, num_hidden_layers=3,
        num_attention_heads=3, max_position_embeddings=12, hidden_act="quick_gelu",
        layer_norm_eps=1e-3, bos_token_id=58, eos_token_id=eos, pad_token_id=eos)), 41)
    ids = torch.randint(0, 58, (4, 12))
    ids[0, 5:] = eos
    ids[1, 11] = eos
    ids[2, 0] = eos
    with torch.no_grad():
        full, rounded = model(ids), half(model)(ids)
        short = model(ids[:2, :7])
    write("text/clip", model.config.to_dict(),
          {f"text_model.{k}": v for k, v in model.state_dict().items()},
          {"ids": ids, "hidden": full.last_hidden_state, "pooled": full.pooler_output,
           "hidden.bf16": rounded.last_hidden_state.float(),
           "pooled.bf16": rounded.pooler_output.float(),
           "short.hidden": short.last_hidden_state, "short.pooled": short.pooler_output})


def t5() -> None:
    """The embedding under its other name; heads * d_kv differs from d_model; 10 buckets (so that
    halves are rounded) up to distance 20; ids [2, 150]. `buckets.B.D`: those of B buckets up to
    distance D over 300 tokens, the first and the last row."""
    model = toy.natural(T5EncoderModel(T5Config(
        vocab_size=70, d_model=24, d_kv=8, d_ff=40, num_layers=2, num_heads=5,
        relative_attention_num_buckets=10, relative_attention_max_distance=20,
        layer_norm_epsilon=1e-3, feed_forward_proj="gated-gelu", dropout_rate=0.0,
        is_encoder_decoder=False, use_cache=False)), 42)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("SelfAttention.q.weight"):
                p.mul_(0.3)
    ids = torch.randint(0, 70, (2, 150))
    with torch.no_grad():
        expected = {"ids": ids, "hidden": model(ids)[0], "hidden.bf16": half(model)(ids)[0].float()}
    attention = model.encoder.block[0].layer[0].SelfAttention
    position = torch.arange(300)
    relative = position[None, :] - position[:, None]
    for buckets, distance in ((32, 128), (10, 20), (4, 3), (64, 1000)):
        rows = attention._relative_position_bucket(relative, True, buckets, distance)
        expected[f"buckets.{buckets}.{distance}"] = rows[[0, 299]]
    weights = dict(model.state_dict())
    weights["encoder.embed_tokens.weight"] = weights.pop("shared.weight")
    write("text/t5", model.config.to_dict(), weights, expected)


def vae(name: str, size: tuple, seed: int, **config) -> None:
    """image [2, 3, H, W] -> mean, logvar; latents -> decoded."""
    levels = len(config["block_out_channels"])
    model = toy.natural(AutoencoderKL(
        in_channels=3, out_channels=3, down_block_types=["DownEncoderBlock2D"] * levels,
        up_block_types=["UpDecoderBlock2D"] * levels, act_fn="silu", **config), seed)
    scale = 2 ** (levels - 1)
    image = torch.rand(2, 3, *size) * 2 - 1
    latents = torch.randn(2, config["latent_channels"], size[0] // scale, size[1] // scale)
    rounded = half(model)
    with torch.no_grad():
        posterior = model.encode(image).latent_dist
        expected = {"image": image, "latents": latents, "mean": posterior.mean,
                    "logvar": posterior.logvar, "decoded": model.decode(latents).sample,
                    "mean.bf16": rounded.encode(image.bfloat16()).latent_dist.mean.float(),
                    "decoded.bf16": rounded.decode(latents.bfloat16()).sample.float()}
    write(f"vae/{name}", dict(model.config), model.state_dict(), expected)


if __name__ == "__main__":
    torch.set_num_threads(1)
    clip()
    t5()
    vae("quant-convs", (24, 40), 43, latent_channels=6, block_out_channels=[8, 12, 16],
        layers_per_block=2, norm_num_groups=4, scaling_factor=0.18215, use_quant_conv=True,
        use_post_quant_conv=True)
    vae("no-attention", (18, 22), 44, latent_channels=4, block_out_channels=[6, 6],
        layers_per_block=1, norm_num_groups=3, scaling_factor=0.5, shift_factor=-0.25,
        use_quant_conv=False, use_post_quant_conv=True, mid_block_add_attention=False)
