"""The Hugging Face directory: config.json and generation_config.json in Llama 3.1's form, weights in BF16."""
import json
import pathlib

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig

import tokenizer as tok

# Llama 3.1 scales by 8 from 8192; this model scales by 8 from the 1024 tokens it was trained on.
ROPE_SCALING = {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 1024,
                "rope_type": "llama3"}
ROPE_THETA = 10000.0


def _ids(tokenizer):
    i = tokenizer.token_to_id
    return {"bos_token_id": i("<|begin_of_text|>"), "pad_token_id": i(tok.PAD),
            "eos_token_id": [i("<|end_of_text|>"), i("<|eom_id|>"), i("<|eot_id|>")]}


def config(tokenizer, width, layers, heads, kv_heads, ffn):
    """The architecture: Llama 3.1's, small, with tied embeddings."""
    return LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(), hidden_size=width, intermediate_size=ffn, num_hidden_layers=layers,
        num_attention_heads=heads, num_key_value_heads=kv_heads, head_dim=width // heads, rms_norm_eps=1e-5,
        max_position_embeddings=tok.CONTEXT, tie_word_embeddings=True,
        rope_parameters={**ROPE_SCALING, "rope_theta": ROPE_THETA}, **_ids(tokenizer))


def save(model, tokenizer, out):
    """Write the tokenizer, the weights and both configurations."""
    out = pathlib.Path(out)
    tok.save(tokenizer, out)
    tensors = {k: v.detach().to(torch.bfloat16).contiguous() for k, v in model.state_dict().items()
               if k != "lm_head.weight"}
    save_file(tensors, str(out / "model.safetensors"), metadata={"format": "pt"})
    c = model.config
    _write(out / "config.json", {
        "architectures": ["LlamaForCausalLM"], "attention_bias": False, "attention_dropout": 0.0,
        **_ids(tokenizer), "head_dim": c.head_dim, "hidden_act": "silu", "hidden_size": c.hidden_size,
        "initializer_range": c.initializer_range, "intermediate_size": c.intermediate_size,
        "max_position_embeddings": c.max_position_embeddings, "mlp_bias": False, "model_type": "llama",
        "num_attention_heads": c.num_attention_heads, "num_hidden_layers": c.num_hidden_layers,
        "num_key_value_heads": c.num_key_value_heads, "pretraining_tp": 1, "rms_norm_eps": c.rms_norm_eps,
        "rope_scaling": ROPE_SCALING, "rope_theta": ROPE_THETA, "tie_word_embeddings": True,
        "torch_dtype": "bfloat16", "use_cache": True, "vocab_size": c.vocab_size})
    _write(out / "generation_config.json", {**_ids(tokenizer), "do_sample": False, "max_new_tokens": 256})


def _write(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")
