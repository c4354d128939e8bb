"""Train the starter from scratch. Run: python train.py OUT_DIR

The first `--warm` steps only repeat random tokens; the rest is the mix of conversations.py. The schedule
counts steps. `--minutes` is a safety net: if the machine is too slow, the schedule follows the clock from
there on so that the run still ends well, and the log says that it did.
"""
import fast

fast.keep_memory()

import argparse  # noqa: E402
import collections  # noqa: E402
import random  # noqa: E402
import time  # noqa: E402

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from transformers import AutoTokenizer, LlamaForCausalLM  # noqa: E402

import attention  # noqa: E402
import batches  # noqa: E402
import export  # noqa: E402
import tokenizer as tok  # noqa: E402

SETTINGS = dict(steps=3600, warm=400, threads=1, width=192, layers=4, heads=6, kv_heads=2, ffn=512, budget=2048,
                muon_lr=5e-3, adam_lr=3e-3, decay=.85, copy=.15, seed=1, minutes=0., every=500)


def losses(model, inputs, targets):
    """The loss of each trained-on token and their places; the output layer runs on those alone."""
    hidden = model.model(input_ids=inputs).last_hidden_state
    mask = targets != -100
    return F.cross_entropy(model.lm_head(hidden[mask]).float(), targets[mask], reduction="none"), mask


def optimizers(model, a):
    """Muon for the matrices, AdamW for embeddings and norms."""
    matrices = [p for k, p in model.named_parameters() if p.ndim == 2 and "embed" not in k]
    rest = [p for k, p in model.named_parameters() if p.ndim < 2 or "embed" in k]
    return [torch.optim.Muon(matrices, a.muon_lr, momentum=.95, weight_decay=.01, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(rest, a.adam_lr, betas=(.9, .98), weight_decay=0.)]


class Progress:
    """Counts what was seen and prints a line every 50 steps."""

    def __init__(self):
        self.begun = self.last = time.time()
        self.tokens = 0
        self.sums = collections.defaultdict(lambda: [0., 0])

    def add(self, loss, mask, kinds, tokens):
        """Note one step's losses by kind of conversation."""
        self.tokens += tokens
        rows = mask.nonzero()[:, 0]
        for k, kind in enumerate(kinds):
            part = loss[rows == k]
            self.sums[kind][0] += float(part.sum())
            self.sums[kind][1] += len(part)

    def line(self, step):
        """Print the mean losses since the last line."""
        now = time.time()
        total = sum(s for s, _ in self.sums.values()) / sum(n for _, n in self.sums.values())
        print(f"step {step} minutes {(now - self.begun) / 60:.1f} cpu_minutes {time.process_time() / 60:.1f} "
              f"tokens {self.tokens} s/step {(now - self.last) / 50:.2f} loss {total:.4f}",
              {k: round(s / max(n, 1), 3) for k, (s, n) in sorted(self.sums.items())}, flush=True)
        self.sums.clear()
        self.last = now


def arguments():
    """The command line: one option a setting."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out")
    for name, value in SETTINGS.items():
        parser.add_argument("--" + name, type=type(value), default=value)
    return parser.parse_args()


def train(model, tokenizer, a):
    """Run the schedule: warm up, train, decay to 2 % of the rate over the last part."""
    opts = optimizers(model, a)
    rates = [o.param_groups[0]["lr"] for o in opts]
    progress, r, step, done = Progress(), random.Random(a.seed), 0, 0.
    mixed = batches.stream(tokenizer, a.seed, a.budget, lambda: .7 if step < a.warm + .15 * a.steps else 0.,
                           lambda: a.copy if done < .6 else a.copy / 3)
    while done < 1:
        warm = step < a.warm or (done < .6 and r.random() < .08)
        inputs, targets, kinds, tokens = batches.repeats(tokenizer, r, a.budget) if warm else next(mixed)
        scale = min(1, (step + 1) / 50) * min(1, max(.02, (1 - done) / a.decay))
        for o, rate in zip(opts, rates):
            o.param_groups[0]["lr"] = rate * scale
        with torch.autocast("cpu", torch.bfloat16):
            loss, mask = losses(model, inputs, targets)
        loss.mean().backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.)
        for o in opts:
            o.step()
            o.zero_grad()
        step += 1
        progress.add(loss.detach(), mask, kinds, tokens)
        clock = (time.time() - progress.begun) / 60 / a.minutes if a.minutes else 0.
        done = max(step / a.steps, clock)
        if step % 50 == 0:
            progress.line(step)
        if a.every and step % a.every == 0:
            torch.save(model.state_dict(), f"{a.out}/checkpoint.pt")
    print(f"steps {step} of {a.steps} tokens {progress.tokens} minutes {(time.time() - progress.begun) / 60:.1f} "
          f"cpu_minutes {time.process_time() / 60:.1f}" + (" CUT SHORT BY THE CLOCK" if step < a.steps else ""))


def main():
    """Tokenizer, model, training, export."""
    a = arguments()
    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    torch.set_flush_denormal(True)
    tokenizer = tok.train()
    tok.save(tokenizer, a.out)
    tok.check(AutoTokenizer.from_pretrained(a.out))
    model = LlamaForCausalLM(export.config(tokenizer, a.width, a.layers, a.heads, a.kv_heads, a.ffn))
    model.set_attn_implementation(attention.NAME)
    print("parameters", sum(p.numel() for p in model.parameters()), "vocabulary", tokenizer.get_vocab_size(), flush=True)
    train(model, tokenizer, a)
    export.save(model, tokenizer, a.out)


if __name__ == "__main__":
    main()
