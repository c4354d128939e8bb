"""Training batches: conversations of like length together, loss on the assistant's words alone."""
import functools
import json
import random

import torch

import conversations
import render
import tokenizer as tok

COMPACT = functools.partial(json.dumps, ensure_ascii=False, separators=(",", ":"))


def encode(tokenizer, segments):
    """Token ids and, for each, whether it is trained on."""
    ids, trained = [], []
    for encoding, (_, flag) in zip(tokenizer.encode_batch([s for s, _ in segments], add_special_tokens=False), segments):
        ids += encoding.ids
        trained += [flag] * len(encoding.ids)
    return ids, trained


def pad(rows, pad_id):
    """Inputs and next-token targets of [(ids, trained)], -100 where there is no loss."""
    width = max(len(ids) for ids, _ in rows)
    inputs = torch.full((len(rows), width), pad_id)
    targets = torch.full((len(rows), width), -100)
    for k, (ids, trained) in enumerate(rows):
        values = torch.tensor(ids)
        inputs[k, :len(ids)] = values
        targets[k, :len(ids) - 1] = torch.where(torch.tensor(trained[1:]), values[1:], -100)
    return inputs, targets


def stream(tokenizer, seed, budget, short, copy, longest=1024):
    """Endless batches of about `budget` tokens: (inputs, targets, kinds, tokens).

    `short()` is the share of long conversations to skip, `copy()` the share of pure copying; both may
    change during the run.
    """
    r = random.Random(seed)
    pad_id = tokenizer.token_to_id(tok.PAD)
    while True:
        pool = []
        while len(pool) < 400:
            kind, tools, messages = conversations.sample(r, copy())
            dumps = COMPACT if r.random() < .25 else render.to_json
            row = encode(tokenizer, render.segments(tools, messages, dumps=dumps))
            if len(row[0]) <= longest and not (len(row[0]) > 220 and r.random() < short()):
                pool.append((*row, kind))
        pool.sort(key=lambda x: len(x[0]))
        groups, group = [], []
        for x in pool:
            if group and len(x[0]) * (len(group) + 1) > budget:
                groups.append(group)
                group = []
            group.append(x)
        groups.append(group)
        r.shuffle(groups)
        for group in groups:
            inputs, targets = pad([x[:2] for x in group], pad_id)
            yield inputs, targets, [x[2] for x in group], sum(len(x[0]) for x in group)


def repeats(tokenizer, r, budget):
    """A batch in which the assistant repeats the user's random tokens.

    With nothing else to learn, copying heads form in minutes; every other skill builds on them.
    """
    n = r.randint(4, 24)
    rows = budget // (2 * n + 10)
    ids = lambda s: torch.tensor([tokenizer.encode(s, add_special_tokens=False).ids] * rows)  # noqa: E731
    said = torch.randint(0, tok.VOCABULARY - len(tok.SPECIAL), (rows, n))
    opening = ids("<|begin_of_text|>" + render.head("user"))
    between = ids("<|eot_id|>" + render.head("assistant"))
    inputs = torch.cat([opening, said, between, said, ids("<|eot_id|>")], 1)
    targets = torch.full_like(inputs, -100)
    start = opening.shape[1] + n + between.shape[1]
    targets[:, start - 1:-1] = inputs[:, start:]
    return inputs, targets, ["random"] * rows, inputs.numel()
