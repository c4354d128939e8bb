"""Causal attention for training on a CPU, where the built-in kernel's BF16 backward pass is slow.

Rows are padded on the right and every loss looks left, so the causal mask is the only one needed.
Short rows take two batched matrix products in BF16; long rows take the built-in kernel in FP32.
"""
import functools

import torch
import torch.nn.functional as F
from transformers import AttentionInterface

NAME = "cpu_training"
SHORT = 256


@functools.lru_cache(maxsize=64)
def _mask(length, groups):
    return torch.full((length, length), float("-inf"), dtype=torch.bfloat16).triu(1).repeat(groups, 1)


def _short(q, k, v, scaling):
    batch, heads, length, size = q.shape
    kv = k.shape[1]
    groups = heads // kv
    q = q.reshape(batch * kv, groups * length, size)
    k, v = k.reshape(batch * kv, length, size), v.reshape(batch * kv, length, size)
    scores = torch.baddbmm(_mask(length, groups), q, k.transpose(1, 2), alpha=scaling)
    return torch.bmm(torch.softmax(scores, -1).to(v.dtype), v).view(batch, heads, length, size)


def _long(q, k, v, scaling):
    groups = q.shape[1] // k.shape[1]
    with torch.autocast("cpu", enabled=False):
        return F.scaled_dot_product_attention(
            q.float(), k.float().repeat_interleave(groups, 1), v.float().repeat_interleave(groups, 1), is_causal=True,
            scale=scaling).to(v.dtype)


def attend(module, query, key, value, attention_mask, scaling=None, **_):
    """The signature transformers asks for: (output as batch, length, heads, size; no weights)."""
    inner = _short if query.shape[2] <= SHORT else _long
    out = inner(query.bfloat16(), key.bfloat16(), value.bfloat16(), scaling)
    return out.transpose(1, 2).contiguous().to(value.dtype), None


AttentionInterface.register(NAME, attend)
