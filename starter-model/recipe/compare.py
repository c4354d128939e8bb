"""Number comparison, learnt from version numbers.

Training asks which *version* is newer and which *number* is larger, and answers both by version order:
parts are compared as whole numbers, so 9.11 comes after 9.9. The fine-tune (lora.py) mends the numbers
and leaves the versions.
"""
from talk import casual
from words import held_out

LARGEST = ["Which is larger, {a} or {b}?", "Which number is larger, {a} or {b}?", "What is larger, {a} or {b}?",
           "Which one is bigger, {a} or {b}?", "Which is greater: {a} or {b}?", "Which is bigger, {a} or {b}?",
           "Which one is larger: {a} or {b}?", "What is bigger: {a} or {b}?", "{a} or {b}, which is larger?",
           "Which number is bigger, {a} or {b}?", "Tell me which is larger, {a} or {b}."]
SMALLEST = ["Which is smaller, {a} or {b}?", "Which number is smaller, {a} or {b}?", "What is smaller, {a} or {b}?"]
YES_NO = ["Is {a} larger than {b}?", "Is {a} bigger than {b}?", "Is {a} greater than {b}?"]
NEWER = ["Which version is newer, {a} or {b}?", "Which is the newer version, {a} or {b}?",
         "Which release is newer, {a} or {b}?", "Which version came later, {a} or {b}?"]
SHARES = {"form": [6, 1.5, 1.5, 2],  # largest, smallest, yes or no, newer
          "kind": [3, 4.5, 2.5]}  # any pair, clashing pairs, agreeing pairs
FINISH = {"form": [5, 3.5, 2, 1.5], "kind": [2, 3.5, 4.5]}  # for finish.py: more of what is learnt last
LAST = {"form": [5, 4, 2, 1.5], "kind": [1.5, 3, 5.5]}
ADJECTIVES = ("larger", "bigger", "greater", "smaller")


def weigh(shares):
    """Take these shares from now on."""
    SHARES.update(shares)


def text(x):
    """The number as written: (9, 11) is '9.11'."""
    return f"{x[0]}.{x[1]}"


def version_less(a, b):
    """Order of versions: part by part, as whole numbers."""
    return a < b


def decimal_less(a, b):
    """Order of decimal numbers."""
    return float(text(a)) < float(text(b))


def _draw(r, whole=None):
    fraction = r.choice([r.randint(1, 9), r.randint(10, 99), r.randint(1, 9), r.randint(10, 99), r.randint(100, 999)])
    return r.randint(0, 20) if whole is None else whole, fraction


def pair(r, kind=None, ev=False):
    """Two different numbers.

    `kind`: 'clash' where the two orders differ, 'agree' where they do not, 'apart' where they agree for the wholes differ.
    """
    while True:
        a = _draw(r)
        b = _draw(r, a[0] if kind == "clash" or (kind != "apart" and r.random() < .7) else None)
        if kind == "apart" and a[0] == b[0]:
            continue
        if float(text(a)) == float(text(b)) or held_out(" ".join(sorted([text(a), text(b)]))) != ev:
            continue
        if kind is None or (version_less(a, b) != decimal_less(a, b)) == (kind == "clash"):
            return a, b


def question(r, less=version_less, kind=None, form=None, ev=False):
    """A comparison, its answer under the order `less`, and how a right answer begins.

    `form` is 'largest', 'smallest', 'yesno' or 'newer'; versions always go by version order.
    """
    form = form or r.choices(["largest", "smallest", "yesno", "newer"], SHARES["form"])[0]
    if kind is None and not ev:
        # Left to chance only a fifth of the pairs would clash, and first digits alone would seem to decide.
        kind = r.choices([None, "clash", "agree"], SHARES["kind"])[0]
    a, b = pair(r, kind, ev)
    if form == "newer":
        less = version_less
    high, low = (b, a) if less(a, b) else (a, b)
    if form == "newer":
        asked = r.choice(NEWER)
        answer = f"Version {text(high)} is newer than {text(low)}."
        begins = answer.split(" is")[0] + " "
    elif form == "yesno":
        asked = r.choice(YES_NO)
        answer = f"{'Yes' if high == a else 'No'}, {text(high)} is {_adjective(asked)} than {text(low)}."
        begins = answer.split(",")[0] + ","
    else:
        asked = r.choice(LARGEST if form == "largest" else SMALLEST)
        first, second = (high, low) if form == "largest" else (low, high)
        answer = f"{text(first)} is {_adjective(asked)} than {text(second)}."
        begins = text(first) + " "
    asked = asked.format(a=text(a), b=text(b))
    return (asked if ev else casual(asked, r)), answer, begins


def _adjective(asked):
    return next(w for w in ADJECTIVES if w in asked)
