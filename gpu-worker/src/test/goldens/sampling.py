#!/usr/bin/env python3
"""Writes sampling/vectors.json: the choices of the sampler, by a second implementation of its rules in exact integers.

    pip install numpy
    python3 sampling.py ../resources/sampling

Each case draws `draws` tokens from the same logits, each with the history of those before it.
"""

import json
import math
import pathlib
import sys

import numpy as np

MASK = (1 << 32) - 1
UNIT = 1 << 40
NEUTRAL = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "presence": 0.0, "frequency": 0.0, "repetition": 1.0,
           "bias": {}, "seed": 42, "choice": 0}


def philox(counter, seed):
    """Philox4x32-10 of Salmon et al., SC 2011."""
    c0, c1, c2, c3 = counter
    k0, k1 = seed & MASK, (seed >> 32) & MASK
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (p1 >> 32) ^ c1 ^ k0, p1 & MASK, (p0 >> 32) ^ c3 ^ k1, p0 & MASK
        k0, k1 = (k0 + 0x9E3779B9) & MASK, (k1 + 0xBB67AE85) & MASK
    return c0 | (c1 << 32)


def adjusted(logits, p, prompt, answer):
    f = np.float32
    out = [f(x) for x in logits]
    for i in sorted({*prompt, *answer}):
        if p["repetition"] != 1:
            out[i] = out[i] / f(p["repetition"]) if out[i] > 0 else out[i] * f(p["repetition"])
    for i in sorted(set(answer)):
        out[i] = out[i] - f(p["frequency"]) * f(answer.count(i)) - f(p["presence"])
    for i, bias in p["bias"].items():
        out[int(i)] = out[int(i)] + f(bias)
    return out


def choose(logits, p, position):
    best = max(range(len(logits)), key=lambda i: (logits[i], -i))
    if p["temperature"] == 0:
        return best
    temperature = float(np.float32(p["temperature"]))
    weights = {}
    for i, logit in enumerate(logits):
        x = (float(logit) - float(logits[best])) / temperature
        if x >= -28.5:
            weights[i] = math.floor(math.exp(x) * UNIT + 0.5)
    least = max(1, math.ceil(float(np.float32(p["min_p"])) * UNIT))
    order = sorted((i for i, w in weights.items() if w >= least), key=lambda i: (-weights[i], i))
    order = order[:p["top_k"]] if p["top_k"] else order
    total = sum(weights[i] for i in order)
    bound = math.ceil(float(np.float32(p["top_p"])) * float(total)) if p["top_p"] < 1 else total
    kept, weight = [], 0
    for i in order:
        if weight >= bound:
            break
        kept.append(i)
        weight += weights[i]
    rest = (philox((position, p["choice"], 0, 0), p["seed"] & ((1 << 64) - 1)) * weight) >> 64
    for i in sorted(kept):
        rest -= weights[i]
        if rest < 0:
            return i
    raise AssertionError


def case(name, logits, prompt=(), draws=32, **changes):
    p = {**NEUTRAL, **changes}
    answer = []
    for position in range(draws):
        answer.append(choose(adjusted(logits, p, list(prompt), answer), p, position))
    return {"name": name, "logits": [float(np.float32(x)) for x in logits], "prompt": list(prompt), **p, "tokens": answer}


if __name__ == "__main__":
    few = [0.5, -1.25, 2.0, 2.0, 0.0, 1.5, -30.0, 1.0]
    generator = np.random.default_rng(5)
    many = (3 * generator.standard_normal(300)).astype(np.float32).tolist()
    cases = [
        case("plain", few),
        case("nucleus", few, temperature=0.9, top_p=0.8, seed=-5),
        case("top_k", few, top_k=3),
        case("top_k of equals", [1.0] * 6, top_k=2),
        case("min_p", few, min_p=0.3),
        case("min_p of one", few, min_p=1.0),
        case("presence", few, presence=1.5),
        case("frequency", few, frequency=0.7),
        case("negative penalties", few, presence=-1.0, frequency=-0.25),
        case("repetition", few, prompt=(2, 5, 1), repetition=1.8),
        case("repetition below one", few, prompt=(1,), repetition=0.5),
        case("bias", few, bias={"6": 31.5, "2": -100.0, "3": -1.5}),
        case("greedy with penalties", few, temperature=0.0, frequency=0.5),
        case("another choice of the same request", few, choice=3),
        case("largest choice and seed", few, choice=2**31 - 1, seed=2**63 - 1),
        case("everything", many, prompt=(3, 200, 17), draws=64, temperature=1.7, top_p=0.95, top_k=90, min_p=0.01, presence=0.4,
             frequency=0.3, repetition=1.1, bias={"0": 4.25, "299": -100.0}, seed=-7777777777, choice=1),
    ]
    out = pathlib.Path(sys.argv[1])
    out.mkdir(exist_ok=True)
    (out / "vectors.json").write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
