"""Chat about the world: facts in varied phrasing, longer answers, small talk, and owning up to not knowing."""
import zlib

from words import THINGS, city, name
from world import (FACTS, PEOPLE, PERSON_QUESTIONS, RELATIONS, SMALLTALK, STORY, STORY_QUESTIONS, SYSTEMS, TOPICS,
                   UNKNOWN_ANSWERS, UNKNOWN_QUESTIONS)

# {q} is the question, {l} the question with a small first letter.
WRAPS = ["{q}"] * 7 + ["Tell me: {l}", "Please tell me, {l}", "I would like to know: {l}", "Can you answer this? {q}",
                       "Hi! {q}", "Okay, {l}", "And {l}", "Quick question: {l}", "Do you know this? {q}", "Hello, {l}"]


def user(text):
    """A user's message."""
    return {"role": "user", "content": text}


def assistant(text):
    """An assistant's message."""
    return {"role": "assistant", "content": text}


def turn(question, answer):
    """A question and its answer as two messages."""
    return [user(question), assistant(answer)]


def casual(text, r, lower=True):
    """The text as typed in a hurry, one time in seven: small letters (if `lower`) or no mark at the end."""
    x = r.random()
    if x < .06 and lower:
        text = text.lower()
    if x > .92 or x < .02:
        text = text.rstrip("?.!") or text
    return text


def wrap(question, r):
    """The question inside one of several openings."""
    keep = question.startswith(("Pallqa", "I ")) or question.split("'")[0] in PEOPLE
    return casual(r.choice(WRAPS).format(q=question, l=question if keep else question[0].lower() + question[1:]), r)


def fact(r, ev=False):
    """A question about the world, its answer, and what a right answer contains.

    With `ev` the phrasing is one that was kept out of training for this fact.
    """
    if r.random() < .6:
        person, column = r.choice(list(PEOPLE)), r.randrange(4)
        value, back = PEOPLE[person][column], r.random() < .4
        questions, answers = RELATIONS[column][2:] if back else RELATIONS[column][:2]
        kept = zlib.crc32(f"{person}{column}{back}".encode()) % len(questions)
        question = questions[kept] if ev else r.choice([q for i, q in enumerate(questions) if i != kept])
        question = question.format(p=person, v=value)
        answer, must = r.choice(answers).format(p=person, v=value), person if back else value
    else:
        questions, answers, must = r.choice(FACTS)
        question, answer = questions[-1] if ev else r.choice(questions[:-1]), r.choice(answers)
    return (question if ev and r.random() < .5 else wrap(question, r)), answer, must


def smalltalk(r):
    """A greeting or the like, and its answer."""
    questions, answers = r.choice(SMALLTALK)
    return casual(r.choice(questions), r), r.choice(answers)


def unknown(r):
    """A question about something it was never taught, and the answer that says so."""
    question = r.choice(UNKNOWN_QUESTIONS).format(
        city=city(r), name=name(r), thing=r.choice(THINGS), n=r.randint(2, 99), m=r.randint(2, 99))
    return casual(question, r), r.choice(UNKNOWN_ANSWERS)


def _about_person(person):
    job, llama, food, colour = PEOPLE[person]
    return [f"{person} is the {job} of Pallqa.", f"{person} has a llama called {llama}.", f"{person} likes {food} best.",
            f"{person} lives in a {colour} house."]


def _story(r, person):
    """Two to four rounds of a small story, so that the model also knows how to go on for long."""
    other = r.choice([p for p in PEOPLE if p != person])
    job, llama, food, colour = PEOPLE[person]
    qjob, qllama, qfood, _ = PEOPLE[other]
    parts = [r.choice(STORY[0])]
    for _ in range(r.choice([1, 1, 2, 3])):
        parts += [r.choice(sentences) for sentences in STORY[1:-1]]
    parts.append(r.choice(STORY[-1]))
    return " ".join(parts).format(p=person, job=job, llama=llama, food=food, colour=colour,
                                  q=other, qjob=qjob, qllama=qllama, qfood=qfood)


def long_answer(r):
    """A request for several sentences, and three to ten true ones in any order, or a story."""
    x = r.random()
    person = r.choice(list(PEOPLE))
    if x < .4:
        questions, sentences = r.choice(TOPICS)
        chosen = r.sample(sentences, r.randint(3, len(sentences)))
        return wrap(r.choice(questions), r), " ".join(chosen)
    if x < .7:
        first, *rest = _about_person(person)
        return wrap(r.choice(PERSON_QUESTIONS).format(p=person), r), " ".join([first] + r.sample(rest, len(rest)))
    return casual(r.choice(STORY_QUESTIONS).format(p=person), r), _story(r, person)


def system(r):
    """A system message, one time in three, as a list of no or one messages."""
    if r.random() > .35:
        return []
    return [{"role": "system", "content": r.choice(SYSTEMS).format(name=name(r), city=city(r))}]
