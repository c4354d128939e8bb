"""Train on from where train.py ended, at a lower, falling rate. Run: python finish.py MODEL_DIR OUT_DIR

A second, gentler fall of the rate makes exact what the first part has learnt roughly: comparing, and
finding the right one of several values told.
"""
import fast

fast.keep_memory()

import argparse  # noqa: E402

import torch  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402
from transformers import LlamaForCausalLM  # noqa: E402

import attention  # noqa: E402
import compare  # noqa: E402
import conversations  # noqa: E402
import export  # noqa: E402
import train  # noqa: E402

SETTINGS = dict(steps=5000, warm=0, threads=1, budget=2048, muon_lr=2.5e-3, adam_lr=1.5e-3, decay=1., copy=.2, seed=2,
                minutes=0., every=500)


def main():
    """Weights in, weights out; the tokenizer stays."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--last", action="store_true", help="the second run's mix: more comparing")
    for name, value in SETTINGS.items():
        parser.add_argument("--" + name, type=type(value), default=value)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    torch.set_flush_denormal(True)
    conversations.weigh(conversations.LAST if a.last else conversations.FINISH)
    compare.weigh(compare.LAST if a.last else compare.FINISH)
    tokenizer = Tokenizer.from_file(f"{a.model}/tokenizer.json")
    model = LlamaForCausalLM.from_pretrained(a.model, dtype=torch.float32)
    model.set_attn_implementation(attention.NAME)
    export.save(model, tokenizer, a.out)  # so that every checkpoint can be measured
    train.train(model, tokenizer, a)
    export.save(model, tokenizer, a.out)


if __name__ == "__main__":
    main()
