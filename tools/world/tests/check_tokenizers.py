"""check_tokenizers.py VOCABULARY PACKS: transformers loads both tokenizers (T5's from each of its files
alone), every caption of the packs has only whole words, and fits. With the environment of
tools/reference. For iclora's own readers: tools/reference/dump_tokenizers.py --real."""

import json
import pathlib
import shutil
import sys
import tempfile

from transformers import CLIPTokenizer, T5TokenizerFast


def captions(folder: pathlib.Path):
    for path in sorted(folder.glob("**/*.jsonl")):
        for line in path.read_text().splitlines():
            for caption in json.loads(line).get("captions", []):
                yield caption[0] if isinstance(caption, list) else caption["text"]


def t5_from(folder: pathlib.Path, scratch: pathlib.Path, without: str) -> T5TokenizerFast:
    copy = scratch / without
    shutil.copytree(folder, copy)
    (copy / without).unlink()
    return T5TokenizerFast.from_pretrained(copy)


def main() -> None:
    vocabulary, packs = map(pathlib.Path, sys.argv[1:3])
    clip = CLIPTokenizer.from_pretrained(vocabulary / "tokenizer")
    with tempfile.TemporaryDirectory() as scratch:
        folder, scratch = vocabulary / "tokenizer_2", pathlib.Path(scratch)
        forms = [T5TokenizerFast.from_pretrained(folder), t5_from(folder, scratch, "spiece.model"),
                 t5_from(folder, scratch, "tokenizer.json")]
    texts = list(dict.fromkeys(captions(packs)))
    longest = {"clip": 0, "t5": 0}
    for start in range(0, len(texts), 1000):
        batch = texts[start:start + 1000]
        ids = [form(batch, truncation=False).input_ids for form in forms]
        assert ids[0] == ids[1] == ids[2]
        longest["t5"] = max(longest["t5"], *map(len, ids[0]))
        assert not any(2 in one for one in ids[0]), "an unknown word"
        for text, one in zip(batch, ids[0]):
            words = forms[0].convert_ids_to_tokens(one)
            assert "\u2581" not in words, (text, words)  # a word that is spelt
        pieces = [clip.tokenize(text) for text in batch]
        assert all(token.endswith("</w>") for one in pieces for token in one)
        longest["clip"] = max(longest["clip"], *(len(one) + 2 for text, one in zip(batch, pieces)
                                                 if "[" not in text), 0)
    assert longest["t5"] <= forms[0].model_max_length and longest["clip"] <= 77
    print(f"{len(texts)} different captions; longest: {longest['t5']} tokens of T5, "
          f"{longest['clip']} of CLIP (single pictures)")
    print(f"vocabularies: CLIP {len(clip)}, T5 {len(forms[0])}")


if __name__ == "__main__":
    main()
