"""The words of all captions as tokenizers: CLIP's (byte-level BPE) and T5's (Unigram), whole words."""

import collections
import json
import pathlib
import re
import struct

from world.canvases import MOST_TOKENS
from world.captions import MARKERS, Captions, sentence, with_articles
from world.catalogue import Catalogue
from world.packs import publish

_FIELD = re.compile(r"\{(\w+)\.(\w+)\}")
_CLIP_WORDS = re.compile(r"'s|'t|'re|'ve|'m|'ll|'d|[^\W\d_]+|\d|(?:[^\w\s]|_)+")
_T5_WORDS = re.compile(r"\[[A-Z]+(?:-[A-Z]+)?-?\d*\]|<\w+>|[\w'-]+|[^\w\s]")
MARK = "\u2581"
SIGNS = "“”‘’–—…"


def _wordings(section) -> list[str]:
    if isinstance(section, str):
        return [section]
    values = section.values() if isinstance(section, dict) else section
    return [wording for value in values for wording in _wordings(value)]


def texts(catalogue: Catalogue) -> list[str]:
    """Texts in which every word of every caption stands, behind and before what it may stand there."""
    captions = Captions(catalogue)
    values = {"subject": catalogue.subjects, "style": catalogue.styles,
              "background": catalogue.backgrounds} | catalogue.attributes
    phrases: dict[tuple[str, str], list[str]] = {}

    def all_phrases(attribute: str, form: str) -> list[str]:
        if (attribute, form) not in phrases:
            phrases[attribute, form] = [
                phrase for value in values[attribute] if (attribute, value) != ("overlay", "none")
                for phrase in captions.phrases(attribute, value, form)]
        return phrases[attribute, form]

    sections = {key: value for key, value in catalogue.wordings.items() if key not in ("numbers", "also")}
    tasks = [entry[part] for entry in catalogue.tasks.values() for part in ("overall", "first", "rest")]
    numbers = list(catalogue.wordings["numbers"].values())
    out = []
    for wording in _wordings(list(sections.values()) + tasks):
        wordings = [wording.replace("{n}", number) for number in numbers] if "{n}" in wording else [wording]
        for one in wordings:
            fields = _FIELD.findall(one)
            if not fields:
                out += [one, sentence(one)] if one else []
            for field in set(fields):
                for phrase in all_phrases(*field):
                    def put(match, field=field, phrase=phrase):
                        return phrase if match.groups() == field else all_phrases(*match.groups())[0]
                    text = with_articles(_FIELD.sub(put, one))
                    out += [text, sentence(text)]
    for markers in MARKERS.values():
        out += markers
    return out + list(catalogue.wordings["also"])


def _ranked(counts: collections.Counter) -> list[str]:
    return sorted(counts, key=lambda word: (-counts[word], word))


def clip_words(all_texts: list[str]) -> list[str]:
    """Lower case, cut as CLIP cuts; the commonest first."""
    counts = collections.Counter()
    for text in all_texts:
        counts.update(_CLIP_WORDS.findall(text.lower()))
    return _ranked(counts)


def t5_pieces(all_texts: list[str]) -> list[str]:
    """Whole words behind the mark of a space, what follows a word without it; the commonest first."""
    counts = collections.Counter()
    for text in all_texts:
        for group in text.split():
            for i, word in enumerate(_T5_WORDS.findall(group)):
                counts[(MARK if i == 0 else "") + word] += 1
    return _ranked(counts)


def merges_of(words: list[str]) -> list[tuple[str, str]]:
    """Byte-pair merges, the commonest first, until each word is one token."""
    split = [list(word[:-1]) + [word[-1] + "</w>"] for word in words]
    merges = []
    while True:
        counts = collections.Counter(pair for symbols in split for pair in zip(symbols, symbols[1:]))
        if not counts:
            return merges
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        for symbols in split:
            i = 0
            while i < len(symbols) - 1:
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i:i + 2] = ["".join(best)]
                i += 1


def _byte_alphabet() -> list[str]:
    """GPT-2's signs for the 256 bytes, in the order of CLIP's vocabulary."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    return [chr(byte) for byte in printable] + [chr(0x100 + i) for i in range(256 - len(printable))]


def write_clip(all_texts: list[str], folder: pathlib.Path) -> int:
    """vocab.json, merges.txt and their configuration; the number of tokens. Captions are ASCII, where
    a byte's sign is the character itself."""
    words = clip_words(all_texts)
    merges = merges_of(words)
    alphabet = _byte_alphabet()
    start, end = "<|startoftext|>", "<|endoftext|>"
    tokens = alphabet + [sign + "</w>" for sign in alphabet]
    tokens += ["".join(merge) for merge in merges] + [start, end]
    if len(set(tokens)) != len(tokens):
        raise AssertionError("two merges give one token")
    special = {"bos_token": start, "eos_token": end, "pad_token": end, "unk_token": end}
    publish(json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False).encode(),
            folder / "vocab.json")
    lines = ["#version: 0.2", *(" ".join(merge) for merge in merges)]
    publish(("\n".join(lines) + "\n").encode(), folder / "merges.txt")
    publish(json.dumps(special, indent=1).encode() + b"\n", folder / "special_tokens_map.json")
    publish(json.dumps({"add_prefix_space": False, **special, "model_max_length": 77,
                        "tokenizer_class": "CLIPTokenizer"}, indent=1).encode() + b"\n",
            folder / "tokenizer_config.json")
    return len(tokens)


def t5_vocabulary(all_texts: list[str]) -> list[tuple[str, float, int]]:
    """Piece, score, kind (sentencepiece's: 1 normal, 2 unknown, 3 control). A word's score is always
    above that of its letters; unknown words are spelt in letters."""
    words = t5_pieces(all_texts)
    letters = [chr(c) for c in range(0x21, 0x7F)] + list(SIGNS)
    out = [("<pad>", 0.0, 3), ("</s>", 0.0, 3), ("<unk>", 0.0, 2)]
    out += [(word, -4.0 - 4.0 * rank / len(words), 1) for rank, word in enumerate(words)]
    known = set(words)
    out += [(piece, -20.0, 1) for piece in [MARK, *letters] if piece not in known]
    return out


def _varint(value: int) -> bytes:
    out = bytearray()
    while True:
        out.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(out)


def _field(number: int, value) -> bytes:
    """A field of a protocol-buffer message: bytes, a float or a whole number."""
    if isinstance(value, bytes):
        return _varint(number << 3 | 2) + _varint(len(value)) + value
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    return _varint(number << 3) + _varint(value & (1 << 64) - 1)


def spiece(pieces: list[tuple[str, float, int]]) -> bytes:
    """sentencepiece's model file: pieces (1), trainer_spec (2), normalizer_spec (3)."""
    out = b"".join(_field(1, _field(1, piece.encode()) + _field(2, score) + _field(3, kind))
                   for piece, score, kind in pieces)
    trainer = _field(3, 1) + _field(4, len(pieces)) + _field(40, 2) + _field(41, -1) + _field(42, 1) \
        + _field(43, 0) + _field(45, b"<unk>") + _field(46, b"<s>") + _field(47, b"</s>") \
        + _field(48, b"<pad>")
    normalizer = _field(1, b"identity") + _field(3, 1) + _field(4, 1) + _field(5, 1)
    return out + _field(2, trainer) + _field(3, normalizer)


def tokenizer_json(pieces: list[tuple[str, float, int]]) -> dict:
    """The same in the form of the tokenizers library."""
    metaspace = {"type": "Metaspace", "replacement": MARK, "prepend_scheme": "always", "split": True}
    end = {"SpecialToken": {"id": "</s>", "type_id": 0}}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": pieces[i][0], "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False, "special": True} for i in range(3)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"Sequence": {"id": "A", "type_id": 0}}, end],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}, end,
                     {"Sequence": {"id": "B", "type_id": 0}}, end],
            "special_tokens": {"</s>": {"id": "</s>", "ids": [1], "tokens": ["</s>"]}}},
        "decoder": metaspace,
        "model": {"type": "Unigram", "unk_id": 2, "vocab": [[p, s] for p, s, _ in pieces],
                  "byte_fallback": False}}


def write_t5(all_texts: list[str], folder: pathlib.Path) -> int:
    """spiece.model, tokenizer.json and their configuration; the number of tokens."""
    pieces = t5_vocabulary(all_texts)
    publish(spiece(pieces), folder / "spiece.model")
    publish(json.dumps(tokenizer_json(pieces), ensure_ascii=False).encode() + b"\n",
            folder / "tokenizer.json")
    publish(json.dumps({"eos_token": "</s>", "pad_token": "<pad>", "unk_token": "<unk>", "extra_ids": 0,
                        "extra_special_tokens": [], "model_max_length": MOST_TOKENS,
                        "tokenizer_class": "T5Tokenizer"}, indent=1).encode() + b"\n",
            folder / "tokenizer_config.json")
    return len(pieces)


def write(catalogue: Catalogue, out: pathlib.Path) -> None:
    all_texts = texts(catalogue)
    clip = write_clip(all_texts, out / "tokenizer")
    t5 = write_t5(all_texts, out / "tokenizer_2")
    print(f"{out}: {clip} tokens for CLIP, {t5} for T5")
