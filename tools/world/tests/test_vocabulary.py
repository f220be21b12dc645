import json

import pytest

from world import canvases, captions, vocabulary
from world.draws import Draws
from world.kinds import KINDS
from world.view import View


@pytest.fixture(scope="module")
def texts(catalogue):
    return vocabulary.texts(catalogue)


def _bpe(word, ranks):
    symbols = list(word[:-1]) + [word[-1] + "</w>"]
    while len(symbols) > 1:
        pairs = [(ranks.get(pair, 1 << 30), i) for i, pair in enumerate(zip(symbols, symbols[1:]))]
        rank, at = min(pairs)
        if rank == 1 << 30:
            break
        symbols[at:at + 2] = [symbols[at] + symbols[at + 1]]
    return symbols


def test_each_word_is_one_token_of_clip(texts, tmp_path):
    vocabulary.write_clip(texts, tmp_path)
    tokens = json.loads((tmp_path / "vocab.json").read_text())
    lines = (tmp_path / "merges.txt").read_text().splitlines()
    ranks = {tuple(line.split(" ")): rank for rank, line in enumerate(lines[1:])}
    for word in vocabulary.clip_words(texts):
        assert _bpe(word, ranks) == [word + "</w>"]
        assert word + "</w>" in tokens
    assert sorted(tokens.values()) == list(range(len(tokens)))


def _wordings(catalogue, count):
    for kind in KINDS:
        view = View(catalogue, 2, kinds={kind: 1.0}, overlays=0.3, kept_out="all")
        for index in range(count):
            draws = Draws("words", kind, index)
            for caption in view.captions.several(view.choose(draws), draws, 5, 3):
                yield caption.text
    view = View(catalogue, 2, kinds={kind: 1.0 for kind in KINDS}, overlays=0.3)
    for index in range(count // 4):
        for grid in canvases.GRIDS:
            for caption in canvases.canvas(view, grid, Draws("joint", index)).captions:
                yield caption.text


def test_no_caption_has_an_unknown_word(catalogue, texts):
    pieces = set(vocabulary.t5_pieces(texts))
    words = set(vocabulary.clip_words(texts))
    for text in _wordings(catalogue, 200):
        count = 1
        for group in text.split():
            for i, word in enumerate(vocabulary._T5_WORDS.findall(group)):
                assert (vocabulary.MARK if i == 0 else "") + word in pieces, (word, text)
                count += 1
        assert count == captions.length(text)
        assert set(vocabulary._CLIP_WORDS.findall(text.lower())) <= words, text


def test_the_two_files_for_t5_hold_the_same(texts, tmp_path):
    vocabulary.write_t5(texts, tmp_path)
    stated = json.loads((tmp_path / "tokenizer.json").read_text())["model"]["vocab"]
    pieces = vocabulary.t5_vocabulary(texts)
    assert [piece for piece, _ in stated] == [piece for piece, _, _ in pieces]
    assert len({piece for piece, _, _ in pieces}) == len(pieces)
    assert (tmp_path / "spiece.model").read_bytes() == vocabulary.spiece(pieces)


def test_a_whole_word_scores_above_its_parts(texts):
    scores = {piece: score for piece, score, _ in vocabulary.t5_vocabulary(texts)[3:]}
    for piece in vocabulary.t5_pieces(texts):
        for cut in range(1, len(piece)):
            parts = (piece[:cut], piece[cut:])
            assert not all(part in scores for part in parts) or \
                scores[piece] > scores[parts[0]] + scores[parts[1]]


def test_unknown_words_are_spelt(texts):
    pieces = {piece for piece, _, _ in vocabulary.t5_vocabulary(texts)}
    assert all(letter in pieces for letter in "abcdefghijklmnopqrstuvwxyzABCXYZ0123456789.,;!?'\"()[]")
