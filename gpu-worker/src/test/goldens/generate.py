#!/usr/bin/env python3
"""Writes the small random checkpoints of src/test/resources/checkpoints and their expected logits.

    pip install torch transformers
    python3 generate.py ../resources/checkpoints [NAME]

Each directory gets a Hugging Face checkpoint and:
  golden.json   the prompt, the positions whose logits are stored, and `error`: the largest distance of transformers' own
                float32 logits from its float64 logits, which is what float32 arithmetic costs on this model
  logits.f32    transformers' float32 logits at those positions, little-endian, [positions, vocabulary]
  logits.f64    the same in float64 arithmetic (weights as stored)
  logits-fp8-ffn.f64, logits-fp8-all.f64
                the same with linear layers quantized as Meta serves them, products in float64; golden.json's `fp8_ffn` and
                `fp8_all` say how far float32 arithmetic is from that, roundings of activations that flip included

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


def llama2():
    """F16, a KV head for each head, plain rope, and a configuration that says as little as Llama 2's do; no FP8 logits."""
    return "llama2", torch.float16, None, LlamaConfig(
        vocab_size=259, hidden_size=64, intermediate_size=172, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=4,
        max_position_embeddings=512, rms_norm_eps=1e-5, tie_word_embeddings=False, bos_token_id=1, eos_token_id=2,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0})


def as_llama2_wrote_it(file):
    """config.json without what came later: KV heads, the head's width, rope's base."""
    config = json.loads(file.read_text())
    for later in ("num_key_value_heads", "head_dim", "rope_parameters", "rope_theta", "mlp_bias", "attention_bias"):
        config.pop(later, None)
    file.write_text(json.dumps({**config, "rope_scaling": None, "pretraining_tp": 1}, indent=2) + "\n")


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


def scales(rows, bound=None):
    largest = rows.float().abs().amax(dim=-1, keepdim=True)
    return (largest.clamp(max=bound) if bound else largest).clamp(min=1e-12) / 448


def e4m3(values):
    """Rounded to the nearest E4M3 value, ties to even, saturating."""
    return values.float().clamp(-448, 448).to(torch.float8_e4m3fn)


class Fp8Linear(torch.nn.Module):
    """Row-wise E4M3 weights and activations, an activation row's absolute maximum clamped to 1200."""

    def __init__(self, linear):
        super().__init__()
        self.scale = scales(linear.weight)
        self.weight = e4m3(linear.weight.float() / self.scale)

    def forward(self, x):
        scale = scales(x, bound=1200)
        x8 = e4m3(x.float() / scale)
        return (x8.to(x.dtype) @ self.weight.to(x.dtype).T) * self.scale.to(x.dtype).T * scale.to(x.dtype)


def quantized(target, mode, dtype):
    model = LlamaForCausalLM.from_pretrained(target, dtype=dtype)
    layers = model.model.layers
    for i, layer in enumerate(layers):
        if mode == "all" or 0 < i < len(layers) - 1:
            for name in ("gate_proj", "up_proj", "down_proj"):
                setattr(layer.mlp, name, Fp8Linear(getattr(layer.mlp, name)))
        if mode == "all":
            for name in ("q_proj", "k_proj", "v_proj", "o_proj"):
                setattr(layer.self_attn, name, Fp8Linear(getattr(layer.self_attn, name)))
    if mode == "all":
        model.lm_head = Fp8Linear(model.lm_head)
        table = model.model.embed_tokens.weight.data
        scale = scales(table)
        model.model.embed_tokens.weight.data = (e4m3(table.float() / scale).float() * scale).to(dtype)
    return model


def write(root, name, dtype, shard, config, seed):
    target = root / name
    model = LlamaForCausalLM(config)
    randomize(model, seed)
    model = model.to(dtype)
    model.save_pretrained(target, **({"max_shard_size": shard} if shard else {}))
    if name == "llama2":
        as_llama2_wrote_it(target / "config.json")
    generator = torch.Generator().manual_seed(seed + 1)
    prompt = torch.randint(0, config.vocab_size, (1, PROMPT), generator=generator)
    positions = sorted({*range(0, 40, 3), *range(250, 262), *range(40, PROMPT, 29), PROMPT - 1})
    with torch.no_grad():
        single = LlamaForCausalLM.from_pretrained(target, dtype=torch.float32)(prompt).logits[0, positions]
        double = LlamaForCausalLM.from_pretrained(target, dtype=torch.float64)(prompt).logits[0, positions]
    single.numpy().astype("<f4").tofile(target / "logits.f32")
    double.numpy().astype("<f8").tofile(target / "logits.f64")
    error = (single.double() - double).abs().max().item()
    fp8 = {}
    for mode in ("ffn", "all") if name != "llama2" else ():
        with torch.no_grad():
            rough = quantized(target, mode, torch.float32)(prompt).logits[0, positions]
            exact = quantized(target, mode, torch.float64)(prompt).logits[0, positions]
        exact.numpy().astype("<f8").tofile(target / f"logits-fp8-{mode}.f64")
        fp8[f"fp8_{mode}"] = (rough.double() - exact).abs().max().item()
        print(f"  fp8-{mode}: float32 {fp8[f'fp8_{mode}']:.2e}, quantization {(exact - double).abs().max():.2e},"
              f" median {(exact - double).abs().median():.2e}, {(rough.double() - exact).abs().median():.2e}")
    golden = {"prompt": prompt[0].tolist(), "positions": positions, "error": error, **fp8}
    (target / "golden.json").write_text(json.dumps(golden) + "\n")
    print(f"{name}: logits up to {double.abs().max():.1f}, float32 error {error:.2e}")


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    for described, seed in ((tied_llama3(), 31), (untied_odd(), 405), (llama2(), 77)):
        if described[0] in (sys.argv[2:] or described[0]):
            write(out, *described, seed=seed)
