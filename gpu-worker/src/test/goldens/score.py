#!/usr/bin/env python3
"""Writes 1,000 lines of text for `engine score` on the starter model, and the log-probabilities that transformers gives their tokens.

    pip install torch transformers
    python3 score.py ../resources/score

  lines.jsonl   {"text": ...} (scripts, code, whitespace, emoji, noise; scored behind the begin-of-text token) and {"tokens": [...]}
                (conversations of the starter model's kinds)
  bf16.f32      transformers' log-probabilities in bfloat16, weights and arithmetic, of all tokens but each line's first, one line
                after the other, little-endian
  exact.f32     the same with float64 arithmetic on the same weights, rounded to float32
  golden.json   `tokens`: how many each line has; `float32`: the largest distance of transformers' float32 arithmetic from exact;
                `rounding`: what bfloat16 arithmetic has to cost, by Monte Carlo arithmetic: in float64, every operation's result is
                moved by a uniform random share of at most 2^-8 of it, the unit roundoff of 8 significant bits. Root mean square and
                maximum of the distance from exact over all tokens and draws; `sum_max` is the maximum for a line's sum, divided by the
                root of its tokens.
                It does not look at bf16.f32: transformers' own arithmetic is held to it as ours is.
"""

import json
import pathlib
import random
import sys

import numpy
import torch
from transformers import AutoTokenizer, LlamaForCausalLM

ROOT = pathlib.Path(__file__).resolve().parents[4]
sys.path[:0] = [str(ROOT / "starter-model" / "recipe"), str(ROOT / "tokenizer" / "src" / "test" / "python")]

import conversations  # noqa: E402
import render  # noqa: E402
import texts  # noqa: E402

MODEL = ROOT / "starter-model" / "model"
SEED = 20261127
LINES = 1000
LONGEST = 64
DRAWS = 3
UNIT = 2.0 ** -8


def lines(tokenizer):
    """(line as written, its token ids); every second a conversation."""
    r = random.Random(SEED)
    pieces = [text for text in texts.TEXTS if text.strip()]
    while True:
        while True:
            _, tools, messages = conversations.sample(r)
            ids = [i for text, _ in render.segments(tools, messages) for i in tokenizer(text, add_special_tokens=False).input_ids]
            if len(ids) <= LONGEST:
                break
        yield {"tokens": ids}, ids
        while True:
            text = r.choice(["", " ", "\n"]).join(r.sample(pieces, r.randint(1, 3)))
            start = r.randrange(len(text))
            text = text[start:start + r.randint(4, 120)]
            ids = [tokenizer.bos_token_id, *tokenizer(text, add_special_tokens=False).input_ids]
            if 2 <= len(ids) <= LONGEST:
                break
        yield {"text": text}, ids


def logprobs(model, ids):
    """[tokens - 1] in float64, from the logits as the model gives them."""
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0, :-1].double()
    return logits.log_softmax(-1).gather(1, torch.tensor(ids[1:])[:, None])[:, 0].numpy()


def shaken(model, seed):
    """The model with every module's result moved as rounding to bfloat16 moves it."""
    generator = torch.Generator().manual_seed(seed)

    def move(x):
        return x * (1 + UNIT * (2 * torch.rand(x.shape, generator=generator, dtype=x.dtype) - 1))

    def hook(_, __, output):
        return (move(output[0]), *output[1:]) if isinstance(output, tuple) else move(output)

    for name, module in model.named_modules():
        if name and name != "model":
            module.register_forward_hook(hook)
    return model


def load(dtype):
    return LlamaForCausalLM.from_pretrained(MODEL, dtype=dtype).eval()


def main(out):
    tokenizer = AutoTokenizer.from_pretrained(MODEL)
    drawn = [line for line, _ in zip(lines(tokenizer), range(LINES))]
    exact, single, rough = ([logprobs(model, ids) for _, ids in drawn]
                            for model in map(load, (torch.float64, torch.float32, torch.bfloat16)))
    shaking = shaken(load(torch.float64), SEED)
    moved = [[logprobs(shaking, ids) for _, ids in drawn] for _ in range(DRAWS)]
    distances = numpy.concatenate([m - e for draw in moved for m, e in zip(draw, exact)])
    sums = numpy.array([(m - e).sum() / len(e) ** .5 for draw in moved for m, e in zip(draw, exact)])
    theirs = numpy.concatenate([m - e for m, e in zip(rough, exact)])
    theirsums = numpy.array([(m - e).sum() / len(e) ** .5 for m, e in zip(rough, exact)])
    golden = {
        "tokens": [len(ids) for _, ids in drawn],
        "float32": max(numpy.abs(s - e).max() for s, e in zip(single, exact)),
        "rounding": {"rms": (distances ** 2).mean() ** .5, "max": numpy.abs(distances).max(), "sum_max": numpy.abs(sums).max()}}
    out.mkdir(parents=True, exist_ok=True)
    (out / "lines.jsonl").write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line, _ in drawn))
    numpy.concatenate(rough).astype("<f4").tofile(out / "bf16.f32")
    numpy.concatenate(exact).astype("<f4").tofile(out / "exact.f32")
    (out / "golden.json").write_text(json.dumps(golden) + "\n")
    print(f"{sum(golden['tokens'])} tokens, float32 {golden['float32']:.2e}, rounding {golden['rounding']}")
    print(f"transformers in bfloat16: rms {(theirs ** 2).mean() ** .5:.4f}, max {numpy.abs(theirs).max():.4f},"
          f" sums rms {(theirsums ** 2).mean() ** .5:.4f}, max {numpy.abs(theirsums).max():.4f}; lowest {numpy.concatenate(exact).min():.1f}")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
