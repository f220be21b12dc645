"""Dumps strings and their ids, as transformers gives them, into tests/fixtures/tokenizers.safetensors.

  text          uint8, all strings one after the other, UTF-8
  text_ends     int64 [N], where each ends
  clip, t5      int16, the ids without padding (special tokens included), toy-dev's tokenizers
  clip_ends, t5_ends
  padded.*      the first 200 strings, cut and padded to 77 (CLIP) and 64 (T5)

With `--real CLIP_FOLDER T5_FOLDER OUT` the same for any tokenizers (int32), for comparing by hand.
"""

import pathlib
import random
import sys

import torch
from safetensors.torch import save_file
from transformers import CLIPTokenizer, T5TokenizerFast

ROOT = pathlib.Path(__file__).resolve().parents[2] / "tests" / "fixtures"

FIXED = [
    "", " ", "   ", "\n", "\t\t a \r\n b", "a", "A", "hello world", "Hello,   World!!",
    "it's don't we're they've I'm you'll he'd 'S 'T O'RE", "'s", "''s", "!'s", "a'", "1'd",
    "12 345 6,789.0", "½ ² Ⅷ ٣ ௧ 𝟘 ①", "[SCENE-1] a fox [SCENE-2] a dog", "<Anna>, walks.",
    "<|startoftext|>", "<|endoftext|>", "a<|endoftext|>b", "<|STARTOFTEXT|> x", "!<|startoftext|>",
    "<|endoftext|><|endoftext|>", "</s>", "a </s> b", "<pad>", "<unk>", "<extra_id_0>", "x<extra_id_7>y",
    "<extra_id_100>", "<EXTRA_ID_0>", "</S>", "ﬁ ﬂ ﬀ ẛ̣", "Ａｂｃ１２３！", "ｶﾞｷﾞ", "㌀㍻", "e\u0301 é", "A\u030a Å",
    "\u1e9b\u0323", "q\u0307\u0323", "İstanbul ıI", "ΑΣ ΑΣΣ ς", "ß ẞ", "Ǆ ǅ ǆ", "👨‍👩‍👧‍👦 👍🏽 🇩🇪🇫🇷 ❤️ 1️⃣", "\u200b a\u200bb",
    "\u200da", "\ufeffstart", "a\u00a0b\u3000c\u2003d\u202fe", "\x00\x01\x02", "a\x00b", "\x7f\x80\x9f", "\u0085",
    "\u2028\u2029", "▁", "a▁b", "▁▁ a", " ▁a", "नमस्ते दुनिया", "ภาษาไทย", "한국어 각", "日本語テキスト", "中文，测试。", "العربية ١٢٣",
    "עברית", "Ελληνικά", "Русский текст", "Tiếng Việt", "\U0001F1E6", "\U0010FFFF", "\uFFFD", "\uFDFA", "…", "—–-",
    "“quotes” ‘single’", "a" * 300, "word " * 200, "é" * 100, "!" * 200, "1" * 100, "\u0301" * 5, "a\u0300\u0301\u0302",
    "\r\n", "x\r\ny", "\u1100\u1161\u11a8", "ก็", "\u0e33", "\u0f73", "\U0001D15E", "\u2126 \u212B \u212A", "K",
    "\u0344", "\u0958", "ﷺ", "½", "™ © ®", "①②③", "ｱｲｳ", "\u3000", "\u180e", "\u2060", "\u00ad soft\u00adhyphen",
]


def strings() -> list[str]:
    rng = random.Random(7)
    pools = [
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", " \t\n", "!?.,;:'\"()[]<>|/-_",
        "àéîõüçñøåßœæÀÉÎÕÜÇÑØÅŒÆ", "абвгдежзАБВГДЕЖЗ", "αβγδεζΑΒΓΔς", "日本語中文漢字한국어カタカナ",
        "\u0300\u0301\u0308\u0323\u0327\u20dd", "ＡＢｃ１２３！？", "👍❤️🇩🇪👩‍🦰🏽\u200d\ufe0f", "\u00a0\u2003\u3000\u0085\u2028",
        "ﬁﬂ™½²①㌀", "'s't're've'm'll'd", "अआकखगि्", "กขคงัิ็", "ابتثج", "\x00\x01\x1f\x7f\x9f",
    ]
    words = ("a fox dog mug bag beach forest night room flat ink glossy picture of the with on in "
             "[LEFT] [RIGHT] [SCENE-1] [TOP-LEFT] <Anna> it's don't 50% #1 <|endoftext|> </s> <pad> "
             "<extra_id_3> Ærø naïve Привет こんにちは ▁x").split()
    out = list(FIXED)
    while len(out) < 2200:  # words in any order, odd spaces
        out.append("".join(rng.choice(words) + rng.choice([" ", " ", "  ", "", "\n"])
                           for _ in range(rng.randint(1, 14))))
    while len(out) < 4400:  # mixed scripts
        out.append("".join(rng.choice(rng.choice(pools)) for _ in range(rng.randint(1, 24))))
    while len(out) < 5600:  # any code points
        n = rng.randint(1, 10)
        text = ""
        while len(text) < n:
            c = rng.choice([rng.randrange(0x3000), rng.randrange(0x10000), rng.randrange(0x20000),
                            rng.randrange(0x110000)])
            if not 0xD800 <= c < 0xE000:
                text += chr(c)
        out.append(text)
    return out


def dump(clip, t5, texts, dtype) -> dict:
    encoded = [t.encode() for t in texts]
    tensors = {"text": torch.tensor(list(b"".join(encoded)), dtype=torch.uint8)}

    def ends(lists):
        return torch.tensor([len(x) for x in lists]).cumsum(0)

    tensors["text_ends"] = ends(encoded)
    for name, tokenizer in (("clip", clip), ("t5", t5)):
        ids = [tokenizer(t, truncation=False).input_ids for t in texts]
        tensors[name] = torch.tensor([i for x in ids for i in x], dtype=dtype)
        tensors[name + "_ends"] = ends(ids)
        length = 77 if name == "clip" else 64
        tensors["padded." + name] = torch.tensor(
            [tokenizer(t, padding="max_length", max_length=length, truncation=True).input_ids
             for t in texts[:200]], dtype=dtype)
    return tensors


def main() -> None:
    if len(sys.argv) == 5 and sys.argv[1] == "--real":
        save_file(dump(CLIPTokenizer.from_pretrained(sys.argv[2]),
                       T5TokenizerFast.from_pretrained(sys.argv[3]), strings(), torch.int32),
                  sys.argv[4])
        return
    folder = ROOT / "models" / "toy-dev"
    save_file(dump(CLIPTokenizer.from_pretrained(folder / "tokenizer"),
                   T5TokenizerFast.from_pretrained(folder / "tokenizer_2"), strings(), torch.int16),
              str(ROOT / "tokenizers.safetensors"))


if __name__ == "__main__":
    main()
