"""A JSON object on request."""
from render import to_json
from words import COLOURS, FOODS, JOBS, THINGS, city, name, number, one_of, small

_whole = lambda r, ev=False: int(number(r, ev))  # noqa: E731

FIELDS = {
    "name": name, "age": small(1, 99), "city": city, "job": one_of(JOBS), "colour": one_of(COLOURS),
    "color": one_of(COLOURS), "pet": name, "food": one_of(FOODS), "id": _whole, "country": city, "friend": name,
    "number": _whole, "item": one_of(THINGS), "price": small(1, 999), "town": city, "title": one_of(THINGS),
    "count": small(1, 99), "owner": name,
}
REQUESTS = ["Give me a JSON object with {k} for {v}.", "Write a JSON object with {k} for {v}.",
            "Make JSON with the keys {k}: {v}.", "Return JSON with {k} for {v}.",
            "Please give me JSON with {k} for {v}.", "I need a JSON object with {k} for {v}.",
            "Give me a JSON object with the keys {k} for {v}.", "Answer in JSON with {k}: {v}.",
            "As JSON with {k}: {v}"]
PAIR_REQUESTS = ["Give me a JSON object with {p}.", "Write this as JSON: {p}", "Make a JSON object with {p}.",
                 "Turn this into JSON: {p}", "Return JSON for {p}."]
PAIRS = ["{} {}", "{}: {}", "{} = {}", "{} is {}"]


def listing(words):
    """'a', 'a and b', 'a, b and c'."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]


def _keys(r):
    if r.random() < .2:
        return ["name", "age"]
    keys = r.sample([k for k in FIELDS if k != "name"], r.choice([0, 1, 1, 2, 2, 3, 3]))
    return ["name"] + keys if r.random() < .7 or not keys else keys


def request(r, ev=False):
    """A request, the JSON text of its answer, and the object itself."""
    made = {k: FIELDS[k](r, ev) for k in _keys(r)}
    if r.random() < .2:
        form = r.choice(PAIRS)
        return r.choice(PAIR_REQUESTS).format(p=", ".join(form.format(k, v) for k, v in made.items())), \
            to_json(made), made
    text = r.choice(REQUESTS).format(k=listing(list(made)), v=", ".join(map(str, made.values())))
    if not ev and r.random() < .1:
        text = text.rstrip(".")
    return text, to_json(made), made
