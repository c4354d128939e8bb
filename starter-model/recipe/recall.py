"""Recall: the user tells things, and asks for them up to a dozen turns later.

The assistant repeats what it is told. So small a model finds a value by the one word before it, and hardly by a word further
off: whose name it is therefore stands right before the name, in what it repeats and in what it answers.
"""
import collections

from talk import casual, system, turn, user
from words import COLOURS, FOODS, JOBS, KIN, PETS, city, name, number, one_of

# Ways to tell a thing, to ask for it, to answer, and to repeat it when told; the maker of its value.
Slot = collections.namedtuple("Slot", "tell ask answer note make")


def _called(kind):
    return Slot(
        [f"My {kind} is called {{v}}.", f"I have a {kind} called {{v}}.", f"My {kind}'s name is {{v}}.",
         f"The name of my {kind} is {{v}}.", f"By the way, my {kind} is called {{v}}."],
        [f"What is my {kind} called?", f"What is my {kind}'s name?", f"What is the name of my {kind}?",
         f"Do you remember what my {kind} is called?", f"Tell me the name of my {kind}."],
        [f"That is your {kind} {{v}}.", f"You told me of your {kind} {{v}}."],
        [f"I will remember your {kind} {{v}}.", f"So that is your {kind} {{v}}."], name)


def _favourite(kind, spelling, make):
    answer = [f"Your {spelling} {kind} is {{v}}."]
    return Slot([f"My {spelling} {kind} is {{v}}.", f"The {kind} I like best is {{v}}."],
                [f"What is my {spelling} {kind}?", f"Which {kind} do I like best?", f"Tell me my {spelling} {kind}."],
                answer, answer, make)


def _place(tell, ask, answer):
    return Slot(tell, ask, answer, answer, city)


def _numbered(kind):
    answer = [f"Your {kind} is {{v}}."]
    return Slot([f"My {kind} is {{v}}.", f"The {kind} I use is {{v}}."], [f"What is my {kind}?", f"Tell me my {kind}."],
                answer, answer, number)


CALLED = [_called(kind) for kind in PETS + KIN]
NUMBERED = [_numbered(kind) for kind in ("code", "room number", "ticket number", "pin", "secret number", "order number")]
SLOTS = CALLED + [
    Slot(["My name is {v}.", "I am called {v}.", "Hi, I am {v}.", "Please call me {v}.", "Hello, my name is {v}."],
         ["What is my name?", "Who am I?", "Do you know my name?", "What am I called?", "Do you remember my name?"],
         ["I call you {v}.", "You told me to call you {v}."], ["I will call you {v}."], name)] * 4
SLOTS += [
    _place(["I live in {v}.", "My home is in {v}.", "I live in a town called {v}."],
           ["Where do I live?", "Which town do I live in?", "Where is my home?"], ["You live in {v}."]),
    _place(["I was born in {v}.", "I come from {v}."],
           ["Where was I born?", "Where do I come from?"], ["You come from {v}."]),
    _place(["I am going to {v} tomorrow.", "Tomorrow I travel to {v}."],
           ["Where am I going tomorrow?", "Where do I travel tomorrow?"], ["You are going to {v}."])]
SLOTS += [_favourite(kind, spelling, make) for spelling in ("favourite", "favorite") for kind, make in
          (("colour" if spelling == "favourite" else "color", one_of(COLOURS)), ("food", one_of(FOODS)),
           ("city", city), ("number", number))]
SLOTS += NUMBERED
SLOTS += [Slot(["I work as a {v}.", "I am a {v}."], ["What is my job?", "What do I work as?"], ["You work as a {v}."],
               ["You work as a {v}."], one_of(JOBS))]
ACKNOWLEDGE = ["Thank you for telling me.", "I will remember that.", "Got it.", "Good to know!", "How nice!",
               "Okay, I will keep that in mind."]
UNTOLD = ["You have not told me that.", "I do not know, you have not told me."]


def _key(slot):
    return slot.answer[0]


def _choose(r, n, among=SLOTS):
    """`n` slots that do not contradict each other."""
    slots = []
    while len(slots) < n:
        slot = r.choice(among)
        if _key(slot) not in map(_key, slots):
            slots.append(slot)
    return slots


def _note(slot, value, r):
    """The assistant repeats what it was told."""
    return r.choice(slot.note).format(v=value)


def _tell(slot, value, r):
    """The user tells `value`; the assistant repeats it and, half the times, acknowledges."""
    answer = _note(slot, value, r)
    if r.random() < .5:
        answer += " " + r.choice(ACKNOWLEDGE)
    return r.choice(slot.tell).format(v=value), answer


def _tell_all(slots, values, r, between):
    """One message a fact, or one time in five all of them in one message."""
    if r.random() < .2:
        return turn(" ".join(r.choice(s.tell).format(v=v) for s, v in zip(slots, values)),
                    " ".join(_note(s, v, r) for s, v in zip(slots, values)))
    messages = []
    for slot, value in zip(slots, values):
        messages += turn(*_tell(slot, value, r))
        messages += between()
    return messages


def conversation(r, filler):
    """A whole recall conversation for training; `filler` makes turns about other things."""
    n = r.choice([1, 1, 2, 2, 3, 4, 5])
    slots = _choose(r, n)
    values = [slot.make(r) for slot in slots]
    messages = system(r)
    if r.random() < .3:
        messages += filler(r)
    messages += _tell_all(slots, values, r, lambda: filler(r) if r.random() < .2 else [])
    for _ in range(r.choice([0, 0, 1, 1, 2, 3, 4, 6, 8, 10, 12])):
        messages += filler(r)
    for i in r.sample(range(n), n):
        messages += turn(casual(r.choice(slots[i].ask), r), r.choice(slots[i].answer).format(v=values[i]))
        if r.random() < .15:
            messages += filler(r)
    if r.random() < .2:
        messages += untold(r, slots)
    return messages


def alike(r):
    """Two to six facts of one sort are told and all asked for, some twice: only what was said about *this* one helps.

    Without these, any value of the right sort is a good guess, and whose it is is never learnt.
    """
    prefix = r.choices(["called", "number", None], [6, 1.5, 2])[0]
    pool = {"called": CALLED, "number": NUMBERED, None: SLOTS}[prefix]
    slots = _choose(r, r.choice([2, 2, 3, 3, 4, 5, 6]), pool)
    values = [slot.make(r) for slot in slots]
    messages = _tell_all(slots, values, r, list)
    asked = r.sample(range(len(slots)), len(slots)) + r.sample(range(len(slots)), r.choice([0, 0, 1, 2]))
    for i in asked:
        messages += turn(casual(r.choice(slots[i].ask), r), r.choice(slots[i].answer).format(v=values[i]))
    return messages


def untold(r, told=()):
    """A question for something the user never said."""
    slot = r.choice([s for s in SLOTS if _key(s) not in map(_key, told)])
    return turn(casual(r.choice(slot.ask), r), r.choice(UNTOLD))


def question(r, filler, gap):
    """A held-out value told, then `gap` other turns, then the question: (messages, the value)."""
    n = r.choice([1, 1, 2, 2, 3, 4])
    slots = _choose(r, n)
    values = [slot.make(r, True) for slot in slots]
    messages = system(r)
    if r.random() < .3:
        messages += filler(r)
    for slot, value in zip(slots, values):
        messages += turn(*_tell(slot, value, r))
    for _ in range(gap):
        messages += filler(r)
    i = r.randrange(n)
    return messages + [user(r.choice(slots[i].ask))], str(values[i])
