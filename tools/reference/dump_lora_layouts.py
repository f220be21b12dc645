"""What diffusers makes of LoRA files in the layouts of other programs: tests/fixtures/lora/layouts.json.

The tensors themselves are not kept: at FLUX.1's sizes, which diffusers' converters take for granted, they
are large, and tests/lora/layouts_test.cpp writes them by the same formula. Of what the converters give,
u^T (B A) v of every module is kept.
"""

import json
import pathlib

import torch
from diffusers.loaders.lora_conversion_utils import (_convert_kohya_flux_lora_to_diffusers,
                                                     _convert_xlabs_flux_lora_to_diffusers)

OUT = pathlib.Path(__file__).resolve().parents[2] / "tests/fixtures/lora/layouts.json"
WIDE, MLP = 3072, 12288
QKV, LINEAR1 = [WIDE, 2 * WIDE, 3 * WIDE], [WIDE, 2 * WIDE, 3 * WIDE, 3 * WIDE + MLP]


def element(k: int, rows: int, columns: int, parts: list) -> torch.Tensor:
    i, j = torch.arange(rows)[:, None], torch.arange(columns)[None, :]
    values = ((7 * i + 13 * j + 5 * k) % 31 - 15).to(torch.float32) / 16
    if parts:
        part = torch.bucketize(i, torch.tensor(parts), right=True)
        values = torch.where(j // (columns // len(parts)) == part, values, torch.zeros(()))
    return values


def pair(module: str, size: tuple, rank: int, suffixes: tuple, alpha=None, parts=()) -> list:
    """`size`: (out, in). `parts`: where each part's rows of B end, if each has columns of its own."""
    down, up = suffixes
    tensors = [{"name": module + down, "shape": [rank, size[1]]},
               {"name": module + up, "shape": [size[0], rank]} | ({"parts": list(parts)} if parts else {})]
    if alpha is not None:
        tensors.append({"name": module + ".alpha", "shape": [], "value": alpha})
    return tensors


def stored(tensors: list) -> dict:
    return {t["name"]: torch.tensor(t["value"]) if "value" in t else element(k, *t["shape"], t.get("parts", []))
            for k, t in enumerate(tensors)}


def case(layout: str, tensors: list, convert) -> dict:
    result = convert(stored(tensors))
    modules = {}
    for key, a in result.items():
        if not key.endswith(".lora_A.weight"):
            continue
        name = key.removeprefix("transformer.").removesuffix(".lora_A.weight")
        a, b = a.double(), result[key.replace("lora_A", "lora_B")].double()
        u = (3 * torch.arange(b.shape[0]) % 7 - 3).double()
        v = (5 * torch.arange(a.shape[1]) % 11 - 5).double()
        modules[name] = {"rank": a.shape[0], "shape": [b.shape[0], a.shape[1]], "probe": ((u @ b) @ (a @ v)).item()}
    assert modules
    return {"layout": layout, "tensors": tensors, "modules": modules}


KOHYA, XLABS = (".lora_down.weight", ".lora_up.weight"), (".down.weight", ".up.weight")


def kohya(apart: bool) -> list:
    out = []
    for block in (0, 18):
        for side in ("img", "txt"):
            name = f"lora_unet_double_blocks_{block}_{side}_"
            out += pair(name + "attn_qkv", (3 * WIDE, WIDE), 6, KOHYA, 3.0, QKV if apart else ())
            out += pair(name + "attn_proj", (WIDE, WIDE), 4, KOHYA, 4.0)
            out += pair(name + "mlp_0", (MLP, WIDE), 2, KOHYA, 1.0)
            out += pair(name + "mlp_2", (WIDE, MLP), 2, KOHYA, 0.5)
            out += pair(name + "mod_lin", (6 * WIDE, WIDE), 2, KOHYA, 2.0)
    for block in (0, 37):
        name = f"lora_unet_single_blocks_{block}_"
        out += pair(name + "linear1", (3 * WIDE + MLP, WIDE), 8, KOHYA, 4.0, LINEAR1 if apart else ())
        out += pair(name + "linear2", (WIDE, WIDE + MLP), 4, KOHYA, 2.0)
        out += pair(name + "modulation_lin", (3 * WIDE, WIDE), 2, KOHYA, 2.0)
    return out


def kohya_outside_blocks() -> list:
    sizes = {"img_in": (WIDE, 64), "txt_in": (WIDE, 4096), "time_in_in_layer": (WIDE, 256), "time_in_out_layer": (WIDE, WIDE),
             "vector_in_in_layer": (WIDE, 768), "vector_in_out_layer": (WIDE, WIDE), "guidance_in_in_layer": (WIDE, 256),
             "guidance_in_out_layer": (WIDE, WIDE), "final_layer_linear": (64, WIDE),
             "final_layer_adaLN_modulation_1": (2 * WIDE, WIDE)}
    # The converters take the scale of these layers for 1.
    return [t for name, size in sizes.items() for t in pair("lora_unet_" + name, size, 2, KOHYA)]


def xlabs() -> list:
    out = []
    for side in (1, 2):
        name = "double_blocks.4.processor."
        out += pair(f"{name}qkv_lora{side}", (3 * WIDE, WIDE), 4, XLABS)
        out += pair(f"{name}proj_lora{side}", (WIDE, WIDE), 4, XLABS)
    return out


def main() -> None:
    cases = {
        "kohya": case("kohya", kohya(False), _convert_kohya_flux_lora_to_diffusers),
        "kohya_apart": case("kohya", kohya(True), _convert_kohya_flux_lora_to_diffusers),
        "kohya_outside_blocks": case("kohya", kohya_outside_blocks(), _convert_kohya_flux_lora_to_diffusers),
        "xlabs": case("xlabs", xlabs(), _convert_xlabs_flux_lora_to_diffusers),
    }
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps(cases, indent=1) + "\n")
    print(OUT, {name: len(one["modules"]) for name, one in cases.items()})


if __name__ == "__main__":
    main()
