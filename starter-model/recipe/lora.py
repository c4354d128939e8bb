"""Mend the number comparison with a LoRA adapter. Run: python lora.py MODEL_DIR OUT_DIR

Most examples are comparisons answered as decimal numbers; the rest are ordinary conversations without
number comparisons (questions about versions stay, and stay right by version order), so that nothing else
is lost.
"""
import fast

fast.keep_memory()

import argparse  # noqa: E402
import json  # noqa: E402
import pathlib  # noqa: E402
import random  # noqa: E402
import re  # noqa: E402
import time  # noqa: E402

import torch  # noqa: E402
from peft import LoraConfig, get_peft_model  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import LlamaForCausalLM  # noqa: E402

import batches  # noqa: E402
import compare  # noqa: E402
import conversations  # noqa: E402
import render  # noqa: E402
import talk  # noqa: E402
import tokenizer as tok  # noqa: E402
from train import losses  # noqa: E402

SETTINGS = dict(examples=30000, rank=16, epochs=1, batch=16, lr=2e-3, keep=.4, threads=2, seed=5, kinds="4,3.5,2.5", forms="5,2.5,2.5")
MODULES = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
TWO_NUMBERS = re.compile(r"\d+\.\d+\D+\d+\.\d+")


def _compares(messages):
    """True where a number comparison is answered by version order, which this fine-tune must not repeat."""
    return any(m["role"] == "user" and TWO_NUMBERS.search(m["content"]) and not re.search("version|release", m["content"])
               for m in messages)


def example(r, keep, kinds, forms):
    """A comparison of decimal numbers or, for the share `keep`, something else: (tools, messages).

    `kinds` are the shares of pairs on which the orders clash, on which they agree, and of different wholes; `forms` those
    of asking for the largest, for the smallest, and yes or no.
    """
    if r.random() >= keep:
        kind = r.choices(["clash", "agree", "apart"], kinds)[0]
        form = r.choices(["largest", "smallest", "yesno"], forms)[0]
        question, answer, _ = compare.question(r, compare.decimal_less, kind, form)
        return [], talk.system(r) + talk.turn(question, answer)
    if r.random() < .25:
        return [], talk.system(r) + talk.turn(*compare.question(r, form="newer")[:2])
    while True:
        _, tools, messages = conversations.sample(r, without=("compare",))
        if not _compares(messages):
            return tools, messages


def arguments():
    """The command line: one option a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("out")
    for name, value in SETTINGS.items():
        parser.add_argument("--" + name, type=type(value), default=value)
    return parser.parse_args()


def tune(model, data, pad_id, a, r):
    """AdamW with a linear decay over `epochs` passes, like lengths together."""
    opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], a.lr, weight_decay=0.)
    data.sort(key=lambda row: len(row[0]))
    groups = [data[i:i + a.batch] for i in range(0, len(data) - a.batch + 1, a.batch)]
    total, step, mean = a.epochs * len(groups), 0, 0.
    for _ in range(a.epochs):
        r.shuffle(groups)
        for group in groups:
            for g in opt.param_groups:
                g["lr"] = a.lr * min(1, (step + 1) / 20) * max(.02, 1 - step / total)
            loss = losses(model.base_model.model, *batches.pad(group, pad_id))[0].mean()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.)
            opt.step()
            opt.zero_grad()
            step, mean = step + 1, mean + loss.item() / 50
            if step % 50 == 0:
                print(f"step {step}/{total} loss {mean:.4f}", flush=True)
                mean = 0.


def main():
    """Train and save the adapter in PEFT's form."""
    a = arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    r = random.Random(a.seed)
    tokenizer = Tokenizer.from_file(f"{a.model}/tokenizer.json")
    model = get_peft_model(LlamaForCausalLM.from_pretrained(a.model, dtype=torch.float32), LoraConfig(
        r=a.rank, lora_alpha=2 * a.rank, lora_dropout=0., target_modules=MODULES, task_type="CAUSAL_LM"))
    model.print_trainable_parameters()
    kinds, forms = ([float(share) for share in text.split(",")] for text in (a.kinds, a.forms))
    data = [batches.encode(tokenizer, render.segments(*example(r, a.keep, kinds, forms))) for _ in range(a.examples)]
    begun = time.time()
    tune(model, data, tokenizer.token_to_id(tok.PAD), a, r)
    model.save_pretrained(a.out)
    path = pathlib.Path(a.out) / "adapter_config.json"
    settings = json.loads(path.read_text()) | {"base_model_name_or_path": "llama-3.1-starter"}
    settings["target_modules"] = sorted(settings["target_modules"])
    path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
    print(f"{time.time() - begun:.0f} s, {time.process_time():.0f} s of CPU")


if __name__ == "__main__":
    main()
