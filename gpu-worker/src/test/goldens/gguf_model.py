#!/usr/bin/env python3
"""Writes gguf-mixed: a small GGUF file as llama.cpp's converter writes one of a Llama 3.1 checkpoint (rows of q and k permuted, rope
factors as a tensor), with matrices of Q8_0, F16, BF16 and F32, and what transformers makes of it.

    pip install torch transformers gguf
    python3 gguf_model.py ../resources/checkpoints

golden.json holds a prompt, positions, the SHA-256 of all weights that transformers reads from the file, as F32 in name order, and
`error`, what float32 costs transformers; logits.f64 the logits in float64.
"""

import base64
import hashlib
import json
import pathlib
import sys

import gguf
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from generate import randomize

VOCABULARY = pathlib.Path(__file__).resolve().parents[4] / "tokenizer/src/test/resources/tiktoken/tokenizer.model"
Q = gguf.GGMLQuantizationType
TYPES = {"token_embd": Q.Q8_0, "output": Q.Q8_0, "attn_q": Q.Q8_0, "attn_k": Q.F16, "attn_v": Q.BF16, "attn_output": Q.F32, "ffn_gate": Q.BF16,
         "ffn_up": Q.BF16, "ffn_down": Q.Q8_0}
NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
         "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm",
         "post_attention_layernorm": "ffn_norm"}


def config(size):
    return LlamaConfig(vocab_size=size, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
                       num_key_value_heads=2, max_position_embeddings=512, rms_norm_eps=1e-5, tie_word_embeddings=True,
                       rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
                                        "high_freq_factor": 4.0, "original_max_position_embeddings": 64})


def permuted(weight, heads):
    """As convert_hf_to_gguf.py has it: llama.cpp rotates neighbours, Hugging Face halves."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def rope_factors(c):
    """The `rope_freqs` of convert_hf_to_gguf.py."""
    p = c.rope_parameters
    freqs = 1.0 / (p["rope_theta"] ** (torch.arange(0, 8, 2, dtype=torch.float32) / 8))
    factors = []
    for freq in freqs:
        length = 2 * np.pi / freq.item()
        if length < 64 / p["high_freq_factor"]:
            factors.append(1.0)
        elif length > 64 / p["low_freq_factor"]:
            factors.append(p["factor"])
        else:
            smooth = (64 / length - p["low_freq_factor"]) / (p["high_freq_factor"] - p["low_freq_factor"])
            factors.append(1 / ((1 - smooth) / p["factor"] + smooth))
    return np.array(factors, dtype=np.float32)


def vocabulary(writer):
    printable = [*range(ord("!"), ord("~") + 1), *range(0xa1, 0xad), *range(0xae, 0x100)]
    char = {b: chr(b) for b in printable}
    char.update({b: chr(256 + n) for n, b in enumerate(b for b in range(256) if b not in printable)})
    tokens = ["".join(char[b] for b in base64.b64decode(line.split()[0])) for line in VOCABULARY.read_bytes().splitlines()]
    rank = {token: i for i, token in enumerate(tokens)}
    merges = []
    for token in tokens:
        cuts = [(rank[token[:i]], rank[token[i:]], token[:i] + " " + token[i:]) for i in range(1, len(token))
                if token[:i] in rank and token[i:] in rank]
        merges += [merge for _, _, merge in sorted(cuts)]
    special = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("llama-bpe")
    writer.add_token_list(tokens + special)
    writer.add_token_types([1] * len(tokens) + [3] * len(special))
    writer.add_token_merges(merges)
    writer.add_bos_token_id(len(tokens))
    writer.add_eos_token_id(len(tokens) + 1)
    writer.add_chat_template("{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}{% endfor %}<|eot_id|>")
    return len(tokens) + len(special)


def main(root):
    target = root / "gguf-mixed"
    target.mkdir(parents=True, exist_ok=True)
    file = target / "model.gguf"
    writer = gguf.GGUFWriter(file, "llama")
    size = vocabulary(writer)
    c = config(size)
    model = LlamaForCausalLM(c)
    randomize(model, 77)
    for key, value in (("context_length", 512), ("embedding_length", 32), ("block_count", 2), ("feed_forward_length", 64),
                       ("head_count", 4), ("head_count_kv", 2), ("vocab_size", size), ("rope_dimension_count", 8)):
        getattr(writer, "add_" + key)(value)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_tensor("rope_freqs.weight", rope_factors(c))
    weights = {}
    for name, p in model.named_parameters():
        data = p.detach().numpy()
        part = name.removesuffix(".weight")
        if part == "model.embed_tokens":
            to = "token_embd"
        elif part == "model.norm":
            to = "output_norm"
        else:
            _, _, layer, module = part.split(".", 3)
            to = f"blk.{layer}." + NAMES[module]
        kind = TYPES.get(to.split(".")[-1], Q.F32)
        if to.endswith("attn_q"):
            data = permuted(data, 4)
        if to.endswith("attn_k"):
            data = permuted(data, 2)
        stored = gguf.quants.quantize(np.ascontiguousarray(data), kind)
        writer.add_tensor(to + ".weight", stored, raw_dtype=kind)
        weights[name] = None
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    read = LlamaForCausalLM.from_pretrained(target, gguf_file="model.gguf", dtype=torch.float32)
    digest = hashlib.sha256()
    loaded = dict(read.named_parameters())
    assert set(loaded) == set(weights), set(loaded) ^ set(weights)
    for name in sorted(loaded):
        assert (loaded[name] - dict(model.named_parameters())[name]).abs().max() < 0.05, name
        digest.update(loaded[name].detach().numpy().astype("<f4").tobytes())
    prompt = torch.randint(0, size, (1, 90), generator=torch.Generator().manual_seed(5))
    positions = [0, 1, 17, 63, 64, 88, 89]
    logits = {}
    for dtype in (torch.float32, torch.float64):
        exact = LlamaForCausalLM(c).to(dtype)  # rope from the configuration: transformers ignores the file's rope_freqs
        exact.load_state_dict({n: p.to(dtype) for n, p in loaded.items()}, strict=False)
        with torch.no_grad():
            logits[dtype] = exact(prompt).logits[0, positions]
    logits[torch.float64].numpy().astype("<f8").tofile(target / "logits.f64")
    error = (logits[torch.float32].double() - logits[torch.float64]).abs().max().item()
    (target / "golden.json").write_text(json.dumps(
        {"prompt": prompt[0].tolist(), "positions": positions, "weights": digest.hexdigest(), "error": error}) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
