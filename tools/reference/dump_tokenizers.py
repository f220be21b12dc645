"""Dumps strings and their ids, as transformers gives them, into tests/fixtures/tokenizers.safetensors.

  text          uint8, all strings one after the other, UTF-8
  text_ends     int64 [N], where each ends
  clip, t5      int16, the ids without padding (special tokens included), toy-dev's tokenizers
  clip_ends, t5_ends
  padded.*      the first 200 strings, cut and padded to 77 (CLIP) and 64 (T5)

and tests/fixtures/tokenizers/forms.json: folders as they are found in the wild, made from a base by
changing members of its files, with the ids that transformers gives for a few strings.

With `--published MERGES T5_JSON` it makes tests/fixtures/tokenizers/published/ instead: the
vocabularies of CLIP and T5 as they were published, from CLIP's merges (clip-anytorch's
bpe_simple_vocab_16e6.txt.gz, or a merges.txt) and T5's tokenizer.json, and expected.safetensors
(int32) with 2,000 more strings of the vocabularies' own pieces.
"""

import gzip
import json
import pathlib
import random
import shutil
import sys
import tempfile

import sentencepiece
import toy
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


FORM_STRINGS = [
    "a red fox, it's 12 <|startoftext|> x <|STARTOFTEXT|>y<|endoftext|> <|ENDOFTEXT|> z",
    "a <sks> b", "a<SKS>b", "sks A SKS asksb sks's _sks sks\u0301 sks\u200d \u24d2sks \u00bdsks", " <mask> ",
    "a  <mask>  b<Mask>", "!a! ! b", "  </s>  a</s> b <pad> <unk>x", "x <extra_id_3> <extra_id_0>y", "<user>a",
    "word " * 30, "", "\u2581a\u2581 \u2581", "caf\u00e9 e\u0301 \U0001D15E \uff21\u0301 \u00b2\u1ad0 a\u08d2\u0316",
]


def token(content: str, **flags) -> dict:
    usual = dict(lstrip=False, rstrip=False, single_word=False, normalized=False, special=True)
    return {"content": content} | usual | flags


def forms() -> list[dict]:
    """Folders as they are found in the wild: a base, members changed in its files, files removed."""
    config, special, model = "tokenizer_config.json", "special_tokens_map.json", "tokenizer.json"
    clip, clip_json = "toy-dev/tokenizer", "toy-schnell/tokenizer"
    t5, t5_json = "toy-dev/tokenizer_2", "toy-schnell/tokenizer_2"
    size = len(json.loads((ROOT / "models" / clip / "vocab.json").read_text()))
    bos, eos = str(size - 2), str(size - 1)
    pieces = len(json.loads((ROOT / "models" / t5_json / model).read_text())["model"]["vocab"])
    more = lambda first, *tokens: {str(first + i): t for i, t in enumerate(tokens)}
    out = []

    def form(name, base, change=None, remove=()):
        out.append({"name": name, "base": base, "change": change or {}, "remove": list(remove)})

    # What FLUX.1's own folder has: the start of the text is looked for in lower case.
    form("published CLIP", clip, {config: {"added_tokens_decoder": {
        bos: token("<|startoftext|>", normalized=True), eos: token("<|endoftext|>")}}})
    form("only vocabulary and merges", clip, remove=[config, special])
    form("older CLIP", clip, {special: {"bos_token": token("<|startoftext|>", normalized=True)},
                              "added_tokens.json": {"sks": size, "<mask>": size + 1}})
    form("CLIP padded with a sign", clip, {special: {"pad_token": "!"}})
    form("CLIP with tokens that strip", clip, {config: {"added_tokens_decoder": {
        bos: token("<|startoftext|>", lstrip=True, rstrip=True), eos: token("<|endoftext|>", lstrip=True)}
        | more(size, token("sks", single_word=True), token("<mask>", lstrip=True, rstrip=True, special=False),
               token("<SKS>", normalized=True, special=False))}})
    form("CLIP with a normalised word", clip, {config: {"added_tokens_decoder": {
        bos: token("<|startoftext|>"), eos: token("<|endoftext|>")}
        | more(size, token("SKS", normalized=True, special=False, single_word=True, lstrip=True))}})
    form("CLIP with extra tokens", clip, {config: {"extra_special_tokens": ["<sks>", "<mask>"]}})
    form("CLIP with additional tokens", clip, {config: {"additional_special_tokens": [
        "<sks>", {"__type": "AddedToken"} | token("<mask>", lstrip=True)]}})
    form("CLIP with a named token", clip, {config: {"image_token": "<mask>"}})
    form("CLIP from the left", clip, {config: {"padding_side": "left", "truncation_side": "left"}})
    form("CLIP as last used", clip_json, {model: {
        "truncation": {"direction": "Left", "max_length": 77, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 77}, "direction": "Left", "pad_to_multiple_of": None,
                    "pad_id": size - 1, "pad_type_id": 0, "pad_token": "<|endoftext|>"}}})
    form("CLIP without added tokens", clip_json, {model: {"added_tokens": []}})
    # The published tokenizer.json states the rules of an older version.
    old = json.loads((ROOT / "models" / t5_json / model).read_text())["normalizer"]
    form("published T5", t5_json, {model: {
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": None},
            {"type": "Strip", "strip_left": False, "strip_right": True},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": "\u2581"}]},
        "pre_tokenizer": {"type": "Metaspace", "replacement": "\u2581", "add_prefix_space": True,
                          "prepend_scheme": "first"}}})
    assert old["type"] == "Precompiled"
    form("T5 without configuration", t5, remove=[config])
    form("T5 with two extra ids", t5, {config: {"extra_special_tokens": None, "extra_ids": 2}})
    form("T5 json without configuration", t5_json, remove=[config])
    form("T5 without a character map", t5_json, {model: {"normalizer": None}})
    form("T5 with tokens that strip", t5, {config: {"added_tokens_decoder": {
        "0": token("<pad>", lstrip=True), "1": token("</s>", lstrip=True, rstrip=True), "2": token("<unk>")}
        | more(pieces, token("sks", single_word=True), token("<mask>", rstrip=True, special=False),
               token("<sks>", normalized=True, special=False))}})
    form("T5 that ends otherwise", t5, {config: {"eos_token": "<extra_id_0>"}})
    form("T5 from the left", t5, {config: {"padding_side": "left", "truncation_side": "left"}})
    form("older T5", t5, {special: {"eos_token": token("</s>", lstrip=True, normalized=True),
                                    "additional_special_tokens": ["<sks>"]}})
    form("T5 of its own pieces", "own")
    return out


def own_pieces(folder: pathlib.Path) -> None:
    """A sentencepiece model with its own character map and user-defined and control pieces."""
    rules = folder / "rules.tsv"
    rules.write_text("61\t62\n64 301\t44\nC5\t41 30A\n41 42\t7A 7A\nE9\t65\n")
    (folder / "corpus.txt").write_text(toy.CORPUS)
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "corpus.txt"), model_prefix=str(folder / "spiece"), vocab_size=160,
        model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>",
        normalization_rule_tsv=str(rules), user_defined_symbols=["<sks>", "<user>"],
        control_symbols=["<mask>"], hard_vocab_limit=False, num_threads=1, minloglevel=2)
    for name in ("rules.tsv", "corpus.txt", "spiece.vocab"):
        (folder / name).unlink()
    (folder / "tokenizer_config.json").write_text(json.dumps(
        {"extra_ids": 4, "model_max_length": 64, "tokenizer_class": "T5Tokenizer"}) + "\n")


def dump_forms() -> None:
    out = ROOT / "tokenizers"
    out.mkdir(exist_ok=True)
    own = out / "own"
    own.mkdir(exist_ok=True)
    own_pieces(own)
    result = forms()
    for form in result:
        base = own if form["base"] == "own" else ROOT / "models" / form["base"]
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch) / "tokenizer"
            shutil.copytree(base, folder)
            for name in form["remove"]:
                (folder / name).unlink()
            for name, members in form["change"].items():
                path = folder / name
                content = json.loads(path.read_text()) if path.exists() else {}
                for key, value in members.items():
                    content[key] = value
                    if form["name"] == "published T5" and key == "normalizer":
                        map_ = json.loads((base / name).read_text())["normalizer"]
                        content[key]["normalizers"][0] = map_
                    if value is None and name != "tokenizer.json":
                        del content[key]
                path.write_text(json.dumps(content))
            kind = CLIPTokenizer if (base / "merges.txt").exists() or "tokenizer" == base.name \
                else T5TokenizerFast
            form["kind"] = "clip" if kind is CLIPTokenizer else "t5"
            tokenizer = kind.from_pretrained(folder)
            form["ids"] = [tokenizer(s, truncation=False).input_ids for s in FORM_STRINGS]
            form["padded"] = [tokenizer(s, padding="max_length", max_length=12, truncation=True).input_ids
                              for s in FORM_STRINGS]
            form["model_max_length"] = min(tokenizer.model_max_length, 10**6)
        if form["name"] == "published T5":
            del form["change"]["tokenizer.json"]["normalizer"]["normalizers"][0]["precompiled_charsmap"]
    lines = ",\n".join(json.dumps(form, ensure_ascii=True) for form in result)
    (out / "forms.json").write_text(
        '{"strings": ' + json.dumps(FORM_STRINGS) + ',\n"forms": [\n' + lines + "\n]}\n")


def clip_vocabulary(merges: list[str]) -> dict[str, int]:
    """CLIP's ids: the bytes, the bytes at a word's end, every merge, the two special tokens."""
    shown = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    hidden = 256 - len(shown)  # bytes that do not print are written as U+0100 and on
    letters = [chr(b) for b in shown] + [chr(256 + i) for i in range(hidden)]
    tokens = letters + [c + "</w>" for c in letters] + ["".join(m.split()) for m in merges]
    return {t: i for i, t in enumerate([*tokens, "<|startoftext|>", "<|endoftext|>"])}


def pieces(rng: random.Random, vocabulary: list[str], count: int) -> list[str]:
    """Words of a vocabulary in any order, with and without spaces between them."""
    words = [w.replace("</w>", "").replace("▁", " ") for w in vocabulary]
    return ["".join(rng.choice(words) + rng.choice([" ", " ", "", ", "]) for _ in range(rng.randint(1, 12)))
            for _ in range(count)]


def dump_published(merges_file: str, t5_file: str) -> None:
    out = ROOT / "tokenizers" / "published"
    clip, t5 = out / "clip", out / "t5"
    for folder in (clip, t5):
        folder.mkdir(parents=True, exist_ok=True)
    raw = pathlib.Path(merges_file).read_bytes()
    lines = (gzip.decompress(raw) if merges_file.endswith(".gz") else raw).decode().split("\n")
    merges = lines[1:49152 - 256 - 2 + 1]  # CLIP uses this many of the file's lines
    (clip / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")
    vocabulary = clip_vocabulary(merges)
    (clip / "vocab.json").write_text(json.dumps(vocabulary, ensure_ascii=False, separators=(",", ":")),
                                     encoding="utf-8")
    config = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>",
              "unk_token": "<|endoftext|>", "model_max_length": 77, "tokenizer_class": "CLIPTokenizer"}
    (clip / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    model = json.loads(pathlib.Path(t5_file).read_text(encoding="utf-8"))
    (t5 / "tokenizer.json").write_text(json.dumps(model, ensure_ascii=False, separators=(",", ":")),
                                       encoding="utf-8")
    config = {"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "extra_ids": 100,
              "model_max_length": 512, "tokenizer_class": "T5Tokenizer"}
    (t5 / "tokenizer_config.json").write_text(json.dumps(config, indent=1) + "\n")
    rng = random.Random(11)
    texts = strings() + pieces(rng, list(vocabulary), 1000)
    texts += pieces(rng, [p[0] for p in model["model"]["vocab"]], 1000)
    save_file(dump(CLIPTokenizer.from_pretrained(clip), T5TokenizerFast.from_pretrained(t5), texts,
                   torch.int32), str(out / "expected.safetensors"))


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "--published":
        dump_published(*sys.argv[2:])
        return
    dump_forms()
    folder = ROOT / "models" / "toy-dev"
    save_file(dump(CLIPTokenizer.from_pretrained(folder / "tokenizer"),
                   T5TokenizerFast.from_pretrained(folder / "tokenizer_2"), strings(), torch.int16),
              str(ROOT / "tokenizers.safetensors"))


if __name__ == "__main__":
    main()
