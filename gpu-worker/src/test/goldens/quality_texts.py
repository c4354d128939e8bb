#!/usr/bin/env python3
"""Writes conversations of the starter model's kinds, by a seed that its training did not use, as JSON lines for `engine quality`:
so many, none longer than so many tokens.

    pip install -r ../../../../starter-model/recipe/requirements.txt
    python3 quality_texts.py 300 600 > texts.jsonl
    python3 quality_texts.py 24 160 > ../resources/quality/texts.jsonl

`scored` marks the assistant's words: all else is drawn at random and cannot be predicted.
"""

import json
import pathlib
import random
import sys

RECIPE = pathlib.Path(__file__).resolve().parents[4] / "starter-model" / "recipe"
sys.path.insert(0, str(RECIPE))

import conversations  # noqa: E402
import render  # noqa: E402
from transformers import AutoTokenizer  # noqa: E402

SEED = 20261126


def main(count, longest):
    tokenizer = AutoTokenizer.from_pretrained(RECIPE.parent / "model")
    r = random.Random(SEED)
    written = 0
    while written < count:
        _, tools, messages = conversations.sample(r)
        tokens, scored = [], []
        for text, answer in render.segments(tools, messages):
            ids = tokenizer(text, add_special_tokens=False).input_ids
            tokens += ids
            scored += [int(answer)] * len(ids)
        if len(tokens) <= longest:
            print(json.dumps({"tokens": tokens, "scored": scored}))
            written += 1


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
