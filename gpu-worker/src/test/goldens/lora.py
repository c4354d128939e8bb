#!/usr/bin/env python3
"""Writes LoRA adapters over the checkpoints of generate.py with PEFT, and the logits with them.

    pip install torch transformers peft
    python3 lora.py ../resources/checkpoints

Each `<checkpoint>/adapters/<name>` is what PEFT's save_pretrained writes, and golden.json: `positions`, and `error`, what float32
costs transformers with PEFT; logits.f64 the float64 logits. Prompts are the checkpoints' own.
"""

import json
import pathlib
import sys

import torch
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
ADAPTERS = {
    "tied-llama3": {
        "r1-query": dict(r=1, lora_alpha=1, target_modules=["q_proj"]),
        "r8-all": dict(r=8, lora_alpha=16, target_modules=ALL),
        "r64-ffn-rslora": dict(r=64, lora_alpha=24, target_modules=["gate_proj", "down_proj"], use_rslora=True),
    },
    "untied-odd": {
        "r3-mixed": dict(r=3, lora_alpha=5, target_modules=["k_proj", "v_proj", "o_proj", "up_proj", "lm_head"],
                         rank_pattern={"o_proj": 5}, alpha_pattern={"model.layers.1.mlp.up_proj": 40}),
        "r16-all-one-layer": dict(r=16, lora_alpha=8, target_modules=ALL, layers_to_transform=[1]),
    },
}


def fill(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, p in sorted(model.named_parameters()):
            if "lora_A" in name:
                p.copy_((torch.randn(p.shape, generator=generator) / p.shape[1] ** 0.5).to(torch.bfloat16))
            if "lora_B" in name:
                p.copy_((torch.randn(p.shape, generator=generator) * 0.5 / p.shape[1] ** 0.5).to(torch.bfloat16))


def main(root):
    for base, adapters in ADAPTERS.items():
        golden = json.loads((root / base / "golden.json").read_text())
        prompt = torch.tensor([golden["prompt"][:80]])
        positions = [0, 1, 5, 40, 79]
        for seed, (name, options) in enumerate(adapters.items()):
            target = root / base / "adapters" / name
            logits = {}
            for dtype in (torch.float32, torch.float64):
                model = LlamaForCausalLM.from_pretrained(root / base, dtype=dtype)
                peft = get_peft_model(model, LoraConfig(bias="none", task_type="CAUSAL_LM", **options))
                fill(peft, 60 + seed)
                peft = peft.to(dtype)
                if dtype == torch.float32:
                    peft.save_pretrained(target, save_embedding_layers=False)
                with torch.no_grad():
                    logits[dtype] = peft(prompt).logits[0, positions]
            (target / "README.md").unlink(missing_ok=True)
            file = target / "adapter_model.safetensors"
            save_file({k: v.to(torch.bfloat16) for k, v in load_file(file).items()}, file, metadata={"format": "pt"})
            logits[torch.float64].numpy().astype("<f8").tofile(target / "logits.f64")
            error = (logits[torch.float32].double() - logits[torch.float64]).abs().max().item()
            (target / "golden.json").write_text(json.dumps({"positions": positions, "error": error}) + "\n")
            print(name, error, file.stat().st_size)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
