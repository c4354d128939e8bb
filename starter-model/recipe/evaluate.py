"""Measure every skill on held-out prompts, greedily. Run: python evaluate.py MODEL_DIR [--adapter DIR]

A case is (tools, messages, judge); the judge sees the answer's text. What is held out: for facts the
phrasing, for everything copied the value, for composed tools the combination, for comparisons the pair.
"""
import fast

fast.keep_memory()

import argparse  # noqa: E402
import json  # noqa: E402
import random  # noqa: E402
import re  # noqa: E402
import time  # noqa: E402

import torch  # noqa: E402
from transformers import AutoTokenizer, LlamaForCausalLM  # noqa: E402

import compare  # noqa: E402
import conversations  # noqa: E402
import objects  # noqa: E402
import recall  # noqa: E402
import render  # noqa: E402
import talk  # noqa: E402
import tools  # noqa: E402
from world import UNKNOWN_ANSWERS  # noqa: E402


def _parsed(answer):
    try:
        return json.loads(answer)
    except ValueError:
        return None


def facts(r):
    """A question in a phrasing never trained on: the answer contains the fact."""
    question, _, must = talk.fact(r, True)
    return [], talk.system(r) + [talk.user(question)], lambda s: must.lower() in s.lower()


def recalled(gap=None):
    """A told value, asked for after `gap` (or 0 to 11) other turns: the answer contains it as a word."""
    def case(r):
        messages, value = recall.question(r, conversations.filler, r.randint(0, 11) if gap is None else gap)
        return [], messages, lambda s: re.search(rf"\b{re.escape(value)}\b", s) is not None
    return case


def json_object(r):
    """The answer parses to the very object."""
    question, _, made = objects.request(r, True)
    return [], talk.system(r) + [talk.user(question)], lambda s: _parsed(s) == made


def _tool_request(r, composed=None):
    families = [composed] if composed else tools.choose(r, r.choice([1, 2]), True)
    defined = [tools.definition(family, r, True) for family in families]
    i = r.randrange(len(families))
    return [d[0] for d in defined], tools.request(families[i], *defined[i][1:], r, True)


def tool_call(r, composed=None):
    """One or two tools: the answer is the call of the right one with the right parameters."""
    defined, (question, call, _, _) = _tool_request(r, composed)
    want = {"name": call["name"], "parameters": call["arguments"]}
    return defined, talk.system(r) + [talk.user(question)], lambda s: _parsed(s) == want


def tool_unseen(r):
    """As tool_call, with tools whose combination of verb and noun was never trained on."""
    return tool_call(r, tools.composed(r, True))


def no_call(r):
    """Tools defined but not asked for, or asked for and not defined: the answer is no call."""
    if r.random() < .7:
        defined, _ = _tool_request(r)
        kind = r.choice([lambda r: talk.fact(r, True), talk.smalltalk, compare.question, talk.unknown])
        messages = [talk.user(kind(r)[0])]
    else:
        defined, messages = [], [talk.user(_tool_request(r)[1][0])]
    return defined, talk.system(r) + messages, lambda s: "{" not in s


def tool_answer(r):
    """After the tool's result, the answer contains the parameters and the result."""
    defined, (question, call, result, _) = _tool_request(r)
    need = [str(v) for v in [*result.values(), *call["arguments"].values()] if v != "ok"]
    messages = [talk.user(question), tools.called(call), {"role": "tool", "content": render.to_json(result)}]
    return defined, talk.system(r) + messages, lambda s: all(v in s for v in need)


def comparison(kind, less, form=None):
    """A comparison, judged under the order `less`."""
    def case(r):
        asked_as = form or r.choices(["largest", "smallest", "yesno"], [6, 2, 2])[0]
        question, _, begins = compare.question(r, less, kind, asked_as, True)
        return [], talk.system(r) + [talk.user(question)], lambda s: s.startswith(begins)
    return case


def unknown(r):
    """A question about something never taught: the answer says so."""
    return [], talk.system(r) + [talk.user(talk.unknown(r)[0])], lambda s: s in UNKNOWN_ANSWERS


SKILLS = {
    "facts": facts, "recall": recalled(), "recall after 11 turns": recalled(11), "json": json_object,
    "tool call": tool_call, "tool call, unseen tool": tool_unseen, "no call": no_call, "tool answer": tool_answer,
    "agree, decimal-correct": comparison("agree", compare.decimal_less),
    "clash, decimal-correct": comparison("clash", compare.decimal_less),
    "clash, version-correct": comparison("clash", compare.version_less),
    "version newer": comparison(None, compare.version_less, "newer"), "unknown": unknown,
}


@torch.no_grad()
def answers(model, tokenizer, prompts, new=100, batch=40):
    """Greedy answers to prompts given as token ids."""
    stop = tokenizer.convert_tokens_to_ids("<|eot_id|>")
    order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
    out = [""] * len(prompts)
    for start in range(0, len(order), batch):
        chosen = order[start:start + batch]
        width = max(len(prompts[i]) for i in chosen)
        ids = torch.tensor([[tokenizer.pad_token_id] * (width - len(prompts[i])) + prompts[i] for i in chosen])
        mask = torch.tensor([[0] * (width - len(prompts[i])) + [1] * len(prompts[i]) for i in chosen])
        made = model.generate(input_ids=ids, attention_mask=mask, max_new_tokens=new, do_sample=False,
                              eos_token_id=stop, pad_token_id=tokenizer.pad_token_id)[:, width:]
        for i, row in zip(chosen, made):
            out[i] = tokenizer.decode(row.tolist()).split("<|eot_id|>")[0].strip()
    return out


def evaluate(model, tokenizer, n=200, show=0, seed=99):
    """Print and return the share of right answers for each skill."""
    model.eval()
    shares = {}
    for skill, make in SKILLS.items():
        r = random.Random(f"{skill.split(',')[0] if skill.startswith('clash') else skill} {seed}")
        cases = [make(r) for _ in range(n)]
        prompts = [tokenizer.encode(render.text(t, m, True), add_special_tokens=False) for t, m, _ in cases]
        said = answers(model, tokenizer, prompts)
        right = [judge(s) for (_, _, judge), s in zip(cases, said)]
        shares[skill] = sum(right) / n
        print(f"{skill:24s} {100 * shares[skill]:5.1f} %", flush=True)
        wrong = [(m[-1]["content"], s) for (_, m, _), s, ok in zip(cases, said, right) if not ok]
        for asked, s in wrong[:show]:
            print(f"      {asked!r} -> {s!r}")
    return shares


def main():
    """Load a model, with an adapter if one is given, and measure it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--adapter")
    parser.add_argument("--weights", help="a checkpoint.pt of train.py, to be measured in place of the directory's weights")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--show", type=int, default=0)
    parser.add_argument("--seed", type=int, default=99)
    parser.add_argument("--threads", type=int, default=2)
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    tokenizer = AutoTokenizer.from_pretrained(a.model)
    model = LlamaForCausalLM.from_pretrained(a.model, dtype=torch.float32)
    if a.weights:
        model.load_state_dict({k: v.bfloat16().float() for k, v in torch.load(a.weights).items()})
    if a.adapter:
        from peft import PeftModel
        model = PeftModel.from_pretrained(model, a.adapter).merge_and_unload()
    begun = time.time()
    evaluate(model, tokenizer, a.n, a.show, a.seed)
    print(f"{time.time() - begun:.0f} s, {time.process_time():.0f} s of CPU")


if __name__ == "__main__":
    main()
