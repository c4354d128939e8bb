"""Recall: the user tells things, and asks for them up to a dozen turns later."""
from talk import casual, system, turn, user
from words import COLOURS, FOODS, JOBS, KIN, PETS, city, name, number, one_of


def _called(kind):
    return (
        [f"My {kind} is called {{v}}.", f"I have a {kind} called {{v}}.", f"My {kind}'s name is {{v}}.",
         f"The name of my {kind} is {{v}}.", f"By the way, my {kind} is called {{v}}."],
        [f"What is my {kind} called?", f"What is my {kind}'s name?", f"What is the name of my {kind}?",
         f"Do you remember what my {kind} is called?", f"Tell me the name of my {kind}."],
        [f"Your {kind} is called {{v}}.", f"Your {kind}'s name is {{v}}."], name)


def _favourite(kind, spelling, make):
    return ([f"My {spelling} {kind} is {{v}}.", f"The {kind} I like best is {{v}}."],
            [f"What is my {spelling} {kind}?", f"Which {kind} do I like best?", f"Tell me my {spelling} {kind}."],
            [f"Your {spelling} {kind} is {{v}}."], make)


# Each slot: ways to tell it, ways to ask for it, ways to answer, maker of the value.
SLOTS = [_called(kind) for kind in PETS + KIN]
SLOTS += [(["My name is {v}.", "I am called {v}.", "Hi, I am {v}.", "Please call me {v}.", "Hello, my name is {v}."],
           ["What is my name?", "Who am I?", "Do you know my name?", "What am I called?", "Do you remember my name?"],
           ["Your name is {v}.", "You are {v}."], name)] * 4
SLOTS += [(["I live in {v}.", "My home is in {v}.", "I live in a town called {v}."],
           ["Where do I live?", "Which town do I live in?", "Where is my home?"], ["You live in {v}."], city),
          (["I was born in {v}.", "I come from {v}."],
           ["Where was I born?", "Where do I come from?"], ["You come from {v}.", "You were born in {v}."], city),
          (["I am going to {v} tomorrow.", "Tomorrow I travel to {v}."],
           ["Where am I going tomorrow?", "Where do I travel tomorrow?"], ["You are going to {v}."], city)]
SLOTS += [_favourite(kind, spelling, make) for spelling in ("favourite", "favorite") for kind, make in
          (("colour" if spelling == "favourite" else "color", one_of(COLOURS)), ("food", one_of(FOODS)),
           ("city", city), ("number", number))]
SLOTS += [([f"My {kind} is {{v}}.", f"The {kind} I use is {{v}}."], [f"What is my {kind}?", f"Tell me my {kind}."],
           [f"Your {kind} is {{v}}."], number)
          for kind in ("code", "room number", "ticket number", "pin", "secret number", "order number")]
SLOTS += [(["I work as a {v}.", "I am a {v}."], ["What is my job?", "What do I work as?"], ["You work as a {v}."],
           one_of(JOBS))]
ACKNOWLEDGE = ["Thank you for telling me.", "I will remember that.", "Got it.", "Good to know!", "How nice!",
               "Okay, I will keep that in mind."]
UNTOLD = ["You have not told me that.", "I do not know, you have not told me."]


def _key(slot):
    return slot[2][0]


def _choose(r, n):
    """`n` slots that do not contradict each other."""
    slots = []
    while len(slots) < n:
        slot = r.choice(SLOTS)
        if _key(slot) not in map(_key, slots):
            slots.append(slot)
    return slots


def _tell(slot, value, r):
    """The user tells `value`; the assistant acknowledges, sometimes repeating it."""
    answer = r.choice(ACKNOWLEDGE)
    if r.random() < .35:
        answer = r.choice(slot[2]).format(v=value) + " " + answer
    return r.choice(slot[0]).format(v=value), answer


def _tell_all(slots, values, r, between):
    """One message a fact, or one time in five all of them in one message."""
    if r.random() < .2:
        return turn(" ".join(r.choice(s[0]).format(v=v) for s, v in zip(slots, values)), r.choice(ACKNOWLEDGE))
    messages = []
    for slot, value in zip(slots, values):
        messages += turn(*_tell(slot, value, r))
        messages += between()
    return messages


def conversation(r, filler):
    """A whole recall conversation for training; `filler` makes turns about other things."""
    n = r.choice([1, 1, 2, 2, 3, 4, 5])
    slots = _choose(r, n)
    values = [slot[3](r) for slot in slots]
    messages = system(r)
    if r.random() < .3:
        messages += filler(r)
    messages += _tell_all(slots, values, r, lambda: filler(r) if r.random() < .2 else [])
    for _ in range(r.choice([0, 0, 1, 1, 2, 3, 4, 6, 8, 10, 12])):
        messages += filler(r)
    for i in r.sample(range(n), n):
        messages += turn(casual(r.choice(slots[i][1]), r), r.choice(slots[i][2]).format(v=values[i]))
        if r.random() < .15:
            messages += filler(r)
    if r.random() < .2:
        messages += untold(r, slots)
    return messages


def untold(r, told=()):
    """A question for something the user never said."""
    slot = r.choice([s for s in SLOTS if _key(s) not in map(_key, told)])
    return turn(casual(r.choice(slot[1]), r), r.choice(UNTOLD))


def question(r, filler, gap):
    """A held-out value told, then `gap` other turns, then the question: (messages, the value)."""
    n = r.choice([1, 1, 2, 2, 3, 4])
    slots = _choose(r, n)
    values = [slot[3](r, True) for slot in slots]
    messages = system(r)
    if r.random() < .3:
        messages += filler(r)
    for slot, value in zip(slots, values):
        messages += turn(*_tell(slot, value, r))
    for _ in range(gap):
        messages += filler(r)
    i = r.randrange(n)
    return messages + [user(r.choice(slots[i][1]))], str(values[i])
