"""FLUX.1 model folders in miniature: every part of the architecture, random weights."""

import json
import pathlib
import shutil

import sentencepiece
import torch
from diffusers import (AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline,
                       FluxTransformer2DModel)
from transformers import (CLIPTextConfig, CLIPTextModel, CLIPTokenizer, T5Config, T5EncoderModel,
                          T5TokenizerFast)

CORPUS = """a set of three pictures of one red fox in a green forest, drawn in flat colours
[SCENE-1] the fox sleeps under a tree [SCENE-2] the fox runs along the beach at night
[LEFT] a photograph of a mug [RIGHT] the same mug with a blue mark on it
[TOP-LEFT] happy [TOP-RIGHT] sad [BOTTOM-LEFT] angry [BOTTOM-RIGHT] surprised
this two-panel image shows a portrait on the left and its illustration on the right
a film storyboard: <Anna>, a woman in a yellow coat, walks through the rain. It's late; she doesn't
wait. 12 345 6789 candles, 50% off! café naïve jalapeño Ærøskøbing Привет мир こんにちは 世界
""" * 3


def clip_tokenizer(folder: pathlib.Path) -> None:
    """CLIP's kind of vocabulary: byte-level BPE with </w> at the ends of words, lower case."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
    from transformers.models.clip.tokenization_clip import CLIPTokenizer as Clip

    tokenizer = Tokenizer(models.BPE(continuing_subword_prefix="", end_of_word_suffix="</w>",
                                     unk_token="<|endoftext|>"))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=900, special_tokens=[], end_of_word_suffix="</w>",
                                  initial_alphabet=sorted(alphabet), show_progress=False)
    words = []
    for line in CORPUS.splitlines():
        words += line.lower().split()
    tokenizer.train_from_iterator(words, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    # CLIP's order: 256 bytes, the same with </w>, merges, two specials.
    bytes_ = sorted(alphabet, key=lambda c: list(_byte_order()).index(c))
    vocabulary = bytes_ + [b + "</w>" for b in bytes_]
    merges = []
    for pair in model["merges"]:
        left, right = pair if isinstance(pair, list) else pair.split(" ")
        if left + right not in vocabulary:
            merges.append((left, right))
            vocabulary.append(left + right)
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(
        json.dumps({t: i for i, t in enumerate(vocabulary)}, ensure_ascii=False))
    (folder / "merges.txt").write_text(
        "#version: 0.2\n" + "\n".join(f"{a} {b}" for a, b in merges) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps({
        "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}, indent=2) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({
        "add_prefix_space": False, "bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>",
        "pad_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "model_max_length": 77,
        "tokenizer_class": "CLIPTokenizer"}, indent=2) + "\n")
    Clip.from_pretrained(folder)


def _byte_order():
    """The order in which GPT-2's byte alphabet stands in CLIP's vocabulary."""
    printable = (list(range(ord("!"), ord("~") + 1)) + list(range(0xA1, 0xAD))
                 + list(range(0xAE, 0x100)))
    table = {b: chr(b) for b in printable}
    extra = 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return [table[b] for b in printable] + [table[b] for b in range(256) if b not in printable]


def t5_tokenizer(folder: pathlib.Path, length: int, vocabulary: int = 500) -> None:
    """T5's kind: Unigram by sentencepiece, pad 0, </s> 1, <unk> 2, extra ids at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    text = folder / "corpus.txt"
    text.write_text(CORPUS)
    sentencepiece.SentencePieceTrainer.train(
        input=str(text), model_prefix=str(folder / "spiece"), vocab_size=vocabulary,
        model_type="unigram", pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>",
        eos_piece="</s>", unk_piece="<unk>", character_coverage=0.995, hard_vocab_limit=False,
        num_threads=1, minloglevel=2)
    text.unlink()
    (folder / "spiece.vocab").unlink()
    tokenizer = T5TokenizerFast.from_pretrained(folder, extra_ids=8, model_max_length=length)
    tokenizer.save_pretrained(folder)


def transformer(seed: int, **config) -> FluxTransformer2DModel:
    torch.manual_seed(seed)
    model = FluxTransformer2DModel(**config).eval()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1 and "norm" in name and name.endswith("weight"):
                p.copy_(1 + 0.2 * torch.randn_like(p))
            elif p.dim() == 1:
                p.copy_(0.2 * torch.randn_like(p))
            else:
                p.copy_(torch.randn_like(p) / p.shape[1] ** 0.5)
    return model


def natural(model: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Weights of natural size; norm scales and all biases away from their defaults."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for name, p in model.named_parameters():
            if p.dim() == 1 and name.endswith("weight"):
                p.copy_(1 + 0.2 * torch.randn_like(p))
            elif p.dim() == 1:
                p.copy_(0.1 * torch.randn_like(p))
            elif "embed" in name or "shared" in name or "relative_attention_bias" in name:
                p.copy_(torch.randn_like(p))
            else:
                p.copy_(torch.randn_like(p) / p[0].numel() ** 0.5)
    return model.eval()


def clip_encoder(seed: int, vocabulary: int, width: int, eos: int) -> CLIPTextModel:
    return natural(CLIPTextModel(CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=2,
        num_attention_heads=4, max_position_embeddings=77, hidden_act="quick_gelu",
        projection_dim=width, bos_token_id=vocabulary - 2, eos_token_id=eos,
        pad_token_id=1)), seed)


def t5_encoder(seed: int, vocabulary: int, width: int) -> T5EncoderModel:
    model = natural(T5EncoderModel(T5Config(
        vocab_size=vocabulary, d_model=width, d_kv=16, d_ff=2 * width, num_layers=3, num_heads=3,
        relative_attention_num_buckets=32, relative_attention_max_distance=128,
        feed_forward_proj="gated-gelu", dropout_rate=0.0, is_encoder_decoder=False,
        use_cache=False)), seed)
    with torch.no_grad():  # no 1/sqrt(d) in T5's attention: keep its logits natural
        for name, p in model.named_parameters():
            if name.endswith("SelfAttention.q.weight"):
                p.mul_(0.25)
    return model


def autoencoder(seed: int, quant: bool = False) -> AutoencoderKL:
    return natural(AutoencoderKL(
        in_channels=3, out_channels=3, latent_channels=16, block_out_channels=[8, 16, 16, 24],
        down_block_types=["DownEncoderBlock2D"] * 4, up_block_types=["UpDecoderBlock2D"] * 4,
        layers_per_block=1, norm_num_groups=4, act_fn="silu", sample_size=64,
        scaling_factor=0.3611, shift_factor=0.1159, use_quant_conv=quant,
        use_post_quant_conv=quant, force_upcast=True), seed)


def scheduler(dynamic: bool) -> FlowMatchEulerDiscreteScheduler:
    return FlowMatchEulerDiscreteScheduler(
        num_train_timesteps=1000, shift=3.0 if dynamic else 1.0, use_dynamic_shifting=dynamic,
        base_shift=0.5, max_shift=1.15, base_image_seq_len=256, max_image_seq_len=4096)


DEV = dict(patch_size=1, in_channels=64, num_layers=2, num_single_layers=3, attention_head_dim=16,
           num_attention_heads=2, joint_attention_dim=24, pooled_projection_dim=16,
           guidance_embeds=True, axes_dims_rope=(4, 6, 6))
SCHNELL = dict(patch_size=1, in_channels=64, num_layers=1, num_single_layers=2,
               attention_head_dim=12, num_attention_heads=3, joint_attention_dim=32,
               pooled_projection_dim=24, guidance_embeds=False, axes_dims_rope=(2, 4, 6))
MINI_HEADS = dict(patch_size=1, in_channels=64, num_layers=1, num_single_layers=1,
                  attention_head_dim=64, num_attention_heads=1, joint_attention_dim=16,
                  pooled_projection_dim=16, guidance_embeds=True, axes_dims_rope=(8, 28, 28))


def folder(path: pathlib.Path, seed: int, config: dict, text_length: int, dynamic: bool,
           eos_legacy: bool, dtype=torch.float32, shard=None, words_of=None) -> FluxPipeline:
    """A whole model folder, saved as diffusers saves it. `words_of`: a folder whose CLIP
    vocabulary is taken over, since the trainer orders ties differently in every run."""
    if words_of is None:
        clip_tokenizer(path / "tokenizer")
    else:
        shutil.copytree(words_of / "tokenizer", path / "tokenizer")
    t5_tokenizer(path / "tokenizer_2", text_length)
    tokenizer = CLIPTokenizer.from_pretrained(path / "tokenizer")
    tokenizer_2 = T5TokenizerFast.from_pretrained(path / "tokenizer_2")
    words = len(tokenizer)
    pipe = FluxPipeline(
        scheduler=scheduler(dynamic), vae=autoencoder(seed + 1),
        text_encoder=clip_encoder(seed + 2, words, config["pooled_projection_dim"],
                                  2 if eos_legacy else tokenizer.eos_token_id),
        tokenizer=tokenizer,
        text_encoder_2=t5_encoder(seed + 3, len(tokenizer_2), config["joint_attention_dim"]),
        tokenizer_2=tokenizer_2, transformer=transformer(seed, **config))
    pipe.to(dtype)
    pipe.save_pretrained(path)
    if shard:
        for file in (path / "transformer").glob("*.safetensors"):
            file.unlink()
        pipe.transformer.save_pretrained(path / "transformer", max_shard_size=shard)
    return pipe
