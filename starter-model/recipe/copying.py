"""Dense copying and looking up: it teaches the attention heads that recall, JSON and tool calls all need."""
from objects import FIELDS
from talk import turn
from words import COLOURS, KIN, PETS, city, name, number, word

REPEAT = ["Repeat after me: {}", "Say this again: {}", "Copy this: {}", "Write: {}", "Repeat: {}"]
PAIRS = ["{} is {}", "{}: {}", "the {} is {}", "{} = {}"]
LOOK_UP = ["What is {}?", "And {}?", "{}?", "What is the {}?"]


def repeat(r):
    """One or two turns in which the assistant repeats the user's words."""
    messages = []
    for _ in range(r.choice([1, 2])):
        words = [r.choice([name, city, number, word])(r) for _ in range(r.randint(2, 9))]
        said = r.choice([", ", " ", " "]).join(words)
        messages += turn(r.choice(REPEAT).format(said), said)
    return messages


def look_up(r):
    """Two to six pairs are told at once, then asked for in any order."""
    keys = r.sample(PETS + KIN + list(FIELDS) + COLOURS, r.randint(2, 6))
    values = [r.choice([name, city, number])(r) for _ in keys]
    form = r.choice(PAIRS)
    messages = turn("Remember this. " + ", ".join(form.format(k, v) for k, v in zip(keys, values)) + ".", "Okay.")
    for i in r.sample(range(len(keys)), len(keys)):
        messages += turn(r.choice(LOOK_UP).format(keys[i]), values[i] + ".")
    return messages


def conversation(r):
    """Either of the two."""
    return repeat(r) if r.random() < .5 else look_up(r)
