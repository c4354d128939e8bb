"""Whole training conversations and how often each kind appears. Each is (tools, messages)."""
import compare
import copying
import objects
import recall
import talk
import tools
from words import name


def filler(r):
    """A turn about anything, to stand between a fact told and its question."""
    kind = r.choices(["fact", "small", "json", "compare", "unknown"], [6, 2, 1, 1, .5])[0]
    if kind == "fact":
        return talk.turn(*talk.fact(r)[:2])
    if kind == "small":
        return talk.turn(*talk.smalltalk(r))
    if kind == "json":
        return talk.turn(*objects.request(r)[:2])
    if kind == "compare":
        return talk.turn(*compare.question(r)[:2])
    return talk.turn(*talk.unknown(r))


def chat(r):
    """One to four turns of talk; one conversation in ten gives the assistant another name."""
    if r.random() < .06:
        other = name(r)
        messages = [{"role": "system", "content": f"You are {other}. {r.choice(['', 'Be polite.', 'Answer briefly.'])}".strip()}]
        messages += talk.turn(r.choice(["What is your name?", "Who are you?"]), f"I am {other}.")
    else:
        messages = talk.system(r)
    for _ in range(r.choice([1, 2, 3, 4])):
        x = r.random()
        make = talk.smalltalk if x < .14 else talk.unknown if x < .2 else talk.long_answer if x < .26 else None
        if x > .98:
            messages += recall.untold(r)
        else:
            messages += talk.turn(*(make(r) if make else talk.fact(r)[:2]))
    return [], messages


def several(make, most):
    """Conversations of one to `most` turns that `make` gives."""
    def conversation(r):
        messages = talk.system(r)
        for _ in range(r.randint(1, most)):
            messages += talk.turn(*make(r)[:2])
        return [], messages
    return conversation


MIX = {
    "recall": (lambda r: ([], recall.conversation(r, filler)), .28),
    "alike": (lambda r: ([], recall.alike(r)), 0.),
    "chat": (chat, .13),
    "json": (several(objects.request, 3), .15),
    "compare": (several(compare.question, 6), .21),
    "tools": (lambda r: tools.conversation(r, filler), .19),
    "notool": (lambda r: ([], tools.without_tools(r)), .04),
    "copy": (lambda r: ([], copying.conversation(r)), 0.),
}

# The shares for finish.py: more of what is learnt last; and those of its second run, in which comparing is what is left.
FINISH = {"recall": .24, "alike": .14, "chat": .11, "json": .09, "compare": .24, "tools": .14, "notool": .04, "copy": 0.}
LAST = FINISH | {"recall": .19, "alike": .06, "json": .12, "compare": .34}


def weigh(shares):
    """Take these shares from now on."""
    for kind, share in shares.items():
        MIX[kind] = (MIX[kind][0], share)


def sample(r, copy=0., without=()):
    """(kind, tools, messages); `copy` is the share of pure copying, taken from all others alike."""
    kinds = [k for k in MIX if k not in without]
    kind = "copy" if r.random() < copy else r.choices(kinds, [MIX[k][1] for k in kinds])[0]
    return (kind, *MIX[kind][0](r))
