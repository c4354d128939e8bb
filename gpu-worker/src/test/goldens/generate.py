#!/usr/bin/env python3
"""Writes the two small random checkpoints of src/test/resources/checkpoints and their expected logits.

    pip install torch transformers
    python3 generate.py ../resources/checkpoints

Each directory gets a Hugging Face checkpoint and:
  golden.json   the prompt, the positions whose logits are stored, and `error`: the largest distance of transformers' own
                float32 logits from its float64 logits, which is what float32 arithmetic costs on this model
  logits.f32    transformers' float32 logits at those positions, little-endian, [positions, vocabulary]
  logits.f64    the same in float64 arithmetic (weights as stored)

Weights are drawn wide enough that attention is peaked: with the library's default of 0.02 a wrong position or head would hardly
change a logit, and the comparison would prove little.
"""

import json
import pathlib
import sys

import torch
from transformers import LlamaConfig, LlamaForCausalLM

PROMPT = 300  # more than one attention chunk of 256 positions


def tied_llama3():
    """BF16 in one file, tied embeddings, grouped-query attention, Llama 3.1's rope scaling with a short original context."""
    return "tied-llama3", torch.bfloat16, None, LlamaConfig(
        vocab_size=259, hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, rms_norm_eps=1e-5, tie_word_embeddings=True,
        bos_token_id=256, eos_token_id=[257, 258],
        rope_parameters={"rope_type": "llama3", "rope_theta": 10000.0, "factor": 8.0, "low_freq_factor": 1.0,
                         "high_freq_factor": 4.0, "original_max_position_embeddings": 64})


def untied_odd():
    """F32 in shards, own output matrix, plain rope, and no width that divides into 8 slices or 32 rows."""
    return "untied-odd", torch.float32, "150KB", LlamaConfig(
        vocab_size=331, hidden_size=90, intermediate_size=172, num_hidden_layers=3, num_attention_heads=6,
        num_key_value_heads=2, head_dim=18, max_position_embeddings=1024, rms_norm_eps=1e-6,
        tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": 500000.0})


def randomize(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name:
                parameter.copy_(1 + 0.2 * noise)
            elif "embed" in name:
                parameter.copy_(noise)
            else:
                parameter.copy_(noise * 1.5 / parameter.shape[1] ** 0.5)


def write(root, name, dtype, shard, config, seed):
    target = root / name
    model = LlamaForCausalLM(config)
    randomize(model, seed)
    model = model.to(dtype)
    model.save_pretrained(target, **({"max_shard_size": shard} if shard else {}))
    generator = torch.Generator().manual_seed(seed + 1)
    prompt = torch.randint(0, config.vocab_size, (1, PROMPT), generator=generator)
    positions = sorted({*range(0, 40, 3), *range(250, 262), *range(40, PROMPT, 29), PROMPT - 1})
    with torch.no_grad():
        single = LlamaForCausalLM.from_pretrained(target, dtype=torch.float32)(prompt).logits[0, positions]
        double = LlamaForCausalLM.from_pretrained(target, dtype=torch.float64)(prompt).logits[0, positions]
    single.numpy().astype("<f4").tofile(target / "logits.f32")
    double.numpy().astype("<f8").tofile(target / "logits.f64")
    error = (single.double() - double).abs().max().item()
    golden = {"prompt": prompt[0].tolist(), "positions": positions, "error": error}
    (target / "golden.json").write_text(json.dumps(golden) + "\n")
    print(f"{name}: logits up to {double.abs().max():.1f}, float32 error {error:.2e}")


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    write(out, *tied_llama3(), seed=31)
    write(out, *untied_odd(), seed=405)
