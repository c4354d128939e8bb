#!/usr/bin/env python3
"""Writes small checkpoints that are FP8 already, as the tools of the field write them, and what they stand for.

    pip install torch transformers safetensors
    python3 fp8.py ../resources/checkpoints

fp8-fbgemm      quant_method fbgemm_fp8: a scale a weight row, one a token with the bound 1200; inner feed-forward alone
fp8-dynamic     compressed-tensors, weights by channel with BF16 scales, inputs by token
fp8-static      compressed-tensors, weights and inputs by tensor, the inputs' scales fixed

golden.json holds a prompt, positions, and the SHA-256 of all dequantised linear weights as F32 in name order; logits.f64 the
logits in float64 with inputs quantized as the checkpoint says; logits-weights.f64 the same with inputs as they are.
"""

import hashlib
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

from generate import e4m3, randomize

LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


class Linear(torch.nn.Module):
    def __init__(self, weight, scale, bound, fixed, inputs):
        super().__init__()
        self.dequantised = weight.float() * scale.float()
        self.weight, self.scale, self.bound, self.fixed, self.inputs = weight, scale, bound, fixed, inputs

    def forward(self, x):
        if not self.inputs:
            return x @ self.dequantised.to(x.dtype).T
        largest = x.float().abs().amax(dim=-1, keepdim=True).clamp(min=1e-12)
        scale = self.fixed if self.fixed is not None else (largest.clamp(max=self.bound) if self.bound else largest) / 448
        return (e4m3(x.float() / scale).to(x.dtype) @ self.weight.to(x.dtype).T) * self.scale.to(x.dtype).reshape(1, -1) * scale


def config():
    return LlamaConfig(vocab_size=67, hidden_size=48, intermediate_size=96, num_hidden_layers=3, num_attention_heads=4,
                       num_key_value_heads=2, max_position_embeddings=256, rms_norm_eps=1e-5, tie_word_embeddings=False,
                       bos_token_id=1, eos_token_id=2)


def modules(model, kind):
    for i, layer in enumerate(model.model.layers):
        for parent, name in ((layer.self_attn, "self_attn"), (layer.mlp, "mlp")):
            for child in LINEAR:
                if hasattr(parent, child) and (kind != "fbgemm" or (i == 1 and name == "mlp")):
                    yield f"model.layers.{i}.{name}.{child}", parent, child


def quantization(kind, skipped):
    if kind == "fbgemm":
        return {"quant_method": "fbgemm_fp8", "activation_scale_ub": 1200.0, "modules_to_not_convert": skipped}
    numbers = {"num_bits": 8, "type": "float", "symmetric": True, "group_size": None, "observer": "minmax"}
    static = kind == "static"
    return {"quant_method": "compressed-tensors", "format": "float-quantized", "quantization_status": "frozen",
            "ignore": ["lm_head"], "kv_cache_scheme": None, "config_groups": {"group_0": {
                "targets": ["Linear"], "output_activations": None,
                "weights": {**numbers, "strategy": "tensor" if static else "channel", "dynamic": False},
                "input_activations": {**numbers, "strategy": "tensor" if static else "token", "dynamic": not static}}}}


def write(root, kind, seed):
    model = LlamaForCausalLM(config())
    randomize(model, seed)
    model = model.to(torch.bfloat16)
    tensors = {name: p.detach().contiguous() for name, p in model.named_parameters()}
    digest = hashlib.sha256()
    linears, dequantised, skipped = {}, {}, ["lm_head"]
    chosen = {name for name, _, _ in modules(model, kind)}
    for name, _, _ in modules(model, "all"):
        if name not in chosen:
            skipped.append(name)
            continue
        weight = tensors[name + ".weight"].float()
        largest = weight.abs().amax() if kind == "static" else weight.abs().amax(dim=1, keepdim=True)
        scale = (largest / 448).to(torch.bfloat16 if kind == "dynamic" else torch.float32).reshape(-1)
        codes = e4m3(weight / scale.float().reshape(-1, 1))
        fixed = None
        tensors[name + ".weight"] = codes
        tensors[name + ".weight_scale"] = scale if kind == "static" else scale.reshape(-1, 1)
        if kind == "static":
            # The inputs of one normed row are the same for q, k and v; 4 of 448 leaves outliers to saturate.
            fixed = {"o_proj": 2.0, "down_proj": 9.0}.get(name.split(".")[-1], 4.0) / 448
            tensors[name + ".input_scale"] = torch.tensor([fixed])
            fixed = torch.tensor([fixed])
        if kind == "fbgemm":
            tensors[name + ".input_scale_ub"] = torch.tensor([1200.0])
        linears[name] = (codes, scale, fixed)
        dequantised[name] = codes.float() * scale.float().reshape(-1, 1)
    for name in sorted(dequantised):
        digest.update(dequantised[name].numpy().astype("<f4").tobytes())
    target = root / ("fp8-" + kind)
    target.mkdir(parents=True, exist_ok=True)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    described = {**json.loads(config().to_json_string()), "quantization_config": quantization(kind, skipped)}
    (target / "config.json").write_text(json.dumps(described, indent=1) + "\n")

    prompt = torch.randint(0, 67, (1, 60), generator=torch.Generator().manual_seed(seed + 1))
    positions = [0, 1, 2, 5, 11, 23, 37, 48, 58, 59]
    plain = {name: p for name, p in tensors.items() if p.dtype == torch.bfloat16 and not name.endswith("scale")}
    for inputs, file in ((True, "logits.f64"), (False, "logits-weights.f64")):
        exact = LlamaForCausalLM(config()).double()
        exact.load_state_dict({name: p.double() for name, p in plain.items()}, strict=False)
        for name, parent, child in list(modules(exact, kind)):
            codes, scale, fixed = linears[name]
            setattr(parent, child, Linear(codes, scale.reshape(-1, 1), 1200 if kind == "fbgemm" else None, fixed, inputs))
        with torch.no_grad():
            exact(prompt).logits[0, positions].numpy().astype("<f8").tofile(target / file)
    (target / "golden.json").write_text(json.dumps(
        {"prompt": prompt[0].tolist(), "positions": positions, "dequantised": digest.hexdigest(), "modules": sorted(linears)}) + "\n")


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    for seed, kind in enumerate(("fbgemm", "dynamic", "static")):
        write(out, kind, 900 + seed)
