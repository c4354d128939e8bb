"""Tool calls in Llama 3.1's JSON form: when a tool is defined and asked for, and none when not.

Two sources of tools: six hand-written families with many names and parameters, and tools composed from
a verb and a noun ('find_book'), one combination in eight of which training never sees.
"""
from render import to_json
from talk import assistant, casual, system, turn, user
from words import THINGS, city, held_out, name, number, small

CITY_KEYS = ["city", "location", "place", "town", "city_name"]
SKIES = "sunny cloudy rainy windy foggy snowy clear".split()


def _clock(r):
    return f"{r.randint(0, 23)}:{r.randint(10, 59)}"


def _weather(r):
    degrees, sky = r.randint(-9, 39), r.choice(SKIES)
    keys = r.choice(["temperature", "temp", "degrees"]), r.choice(["sky", "condition", "weather", "conditions"])
    result = {keys[0]: degrees, keys[1]: sky}
    if r.random() < .3:
        result = {keys[1]: sky, keys[0]: degrees}
    return result, f"It is {degrees} degrees and {sky} in {{0}}."


def _result(key, make, answer):
    def result(r):
        value = make(r)
        return {key: value}, answer.replace("{v}", str(value))
    return result


# names, descriptions, [(parameter names, maker, type)], questions, result -> (JSON, answer)
FAMILIES = [
    (["get_weather", "weather", "get_current_weather", "fetch_weather", "weather_in", "get_forecast"],
     ["Get the weather in a city", "Get the current weather", "Look up the weather", "Get the weather for a location"],
     [(CITY_KEYS, city, "string")],
     ["What is the weather in {0}?", "What is the weather like in {0}?", "How is the weather in {0}?",
      "Tell me the weather in {0}.", "what's the weather in {0}", "What is the weather in {0} today?",
      "What's the weather like in {0}?", "Get the weather in {0}.", "Look up the weather for {0}, please."], _weather),
    (["get_time", "time_in", "current_time", "get_local_time", "get_current_time"],
     ["Get the time in a city", "Look up the local time"], [(CITY_KEYS, city, "string")],
     ["What time is it in {0}?", "What is the time in {0}?", "Tell me the time in {0}."],
     _result("time", _clock, "It is {v} in {0}.")),
    (["get_population", "population_of"], ["Get how many people live in a city"], [(CITY_KEYS, city, "string")],
     ["How many people live in the city of {0}?", "What is the population of {0}?"],
     _result("population", small(1000, 99999), "{0} has {v} people.")),
    (["find_flight", "search_flights", "get_flight"], ["Find a flight between two cities"],
     [(["origin", "from", "start"], city, "string"), (["destination", "to", "end"], city, "string")],
     ["Find me a flight from {0} to {1}.", "Is there a flight from {0} to {1}?", "I want to fly from {0} to {1}."],
     _result("departure", _clock, "There is a flight from {0} to {1} at {v}.")),
    (["call", "call_person", "phone"], ["Call a person"], [(["name", "person", "who"], name, "string")],
     ["Call {0}.", "Please call {0}.", "Can you phone {0}?"], lambda r: ({"status": "ok"}, "I have called {0}.")),
    (["set_timer", "timer", "start_timer"], ["Set a timer"],
     [(["minutes", "duration", "time"], small(2, 90), "integer")],
     ["Set a timer for {0} minutes.", "Start a timer of {0} minutes.", "Please set a timer for {0} minutes."],
     lambda r: ({"status": "ok"}, "The timer is set for {0} minutes.")),
]
VERBS = {  # verb: how it is asked for, and the description of the tool
    "find": (["Find the {n} {0}.", "Please find the {n} {0}.", "Can you find the {n} {0}?"], "Find a {n}"),
    "order": (["Order the {n} {0}.", "I want to order the {n} {0}.", "Please order the {n} {0}."], "Order a {n}"),
    "open": (["Open the {n} {0}.", "Please open the {n} {0}.", "Can you open the {n} {0}?"], "Open a {n}"),
    "delete": (["Delete the {n} {0}.", "Please delete the {n} {0}."], "Delete a {n}"),
    "book": (["Book the {n} {0}.", "Please book the {n} {0}.", "I want to book the {n} {0}."], "Book a {n}"),
    "move": (["Move the {n} {0}.", "Can you move the {n} {0}?"], "Move a {n}"),
    "send": (["Send the {n} {0}.", "Please send the {n} {0}."], "Send a {n}"),
    "check": (["Check the {n} {0}.", "Can you check the {n} {0}?"], "Check a {n}"),
}
# Parameters that a definition may have besides, and that no question here asks for.
OPTIONAL = [("unit", {"type": "string", "enum": ["celsius", "fahrenheit"]}), ("language", {"type": "string"}),
            ("verbose", {"type": "boolean"}), ("limit", {"type": "integer", "description": "At most this many"})]
DONE = {"find": "found", "order": "ordered", "open": "opened", "delete": "deleted", "book": "booked", "move": "moved",
        "send": "sent", "check": "checked"}
VALUE_KEYS = [(["name", "{n}_name", "title", "id", "{n}"], name, "string"), (["number", "{n}_number", "id"],
              lambda r, ev=False: int(number(r, ev)), "integer")]
NO_TOOL = ["I am sorry, I cannot look that up.", "I have no tool for that."]


def composed(r, ev=False):
    """A family made of a verb and a noun; held-out combinations when `ev`."""
    while True:
        verb, noun = r.choice(list(VERBS)), r.choice(THINGS)
        if held_out(f"{verb}_{noun}") == ev:
            break
    questions, description = VERBS[verb]
    keys, make, kind = r.choice(VALUE_KEYS)
    fill = lambda s: s.replace("{n}", noun)  # noqa: E731
    names = [f"{verb}_{noun}"] + ([] if ev else [f"{noun}_{verb}"])
    return (names, [fill(description)], [([fill(k) for k in keys], make, kind)], [fill(q) for q in questions],
            lambda r: ({"status": "ok"}, f"I have {DONE[verb]} the {noun} {{0}}."))


def choose(r, n, ev=False):
    """`n` families with different names, of both sources."""
    chosen = r.sample(FAMILIES, n)
    return [composed(r, ev) if r.random() < .35 else family for family in chosen]


def definition(family, r, ev=False):
    """A tool's definition in OpenAI's form, its name and its parameter names."""
    names, descriptions, parameters = family[:3]
    tool = names[0] if ev else r.choice(names)
    keys = [p[0][0] if ev else r.choice(p[0]) for p in parameters]
    properties = {k: {"type": p[2]} for k, p in zip(keys, parameters)}
    if r.random() < .5:
        for k in properties:
            properties[k]["description"] = r.choice([f"The {k}", f"Name of the {k}", k, f"The {k}, for example {city(r)}"])
    if r.random() < .2:
        extra, schema = r.choice(OPTIONAL)
        properties[extra] = schema
    schema = {"type": "object", "properties": properties, "required": keys}
    if r.random() < .15:
        del schema["required"]
    function = {"name": tool, "description": r.choice(descriptions), "parameters": schema}
    return {"type": "function", "function": function}, tool, keys


def request(family, tool, keys, r, ev=False):
    """A question for the tool, the right call, its result and the answer that tells the result."""
    values = [p[1](r, ev) for p in family[2]]
    question = r.choice(family[3]).format(*values)
    result, answer = family[4](r)
    return question, {"name": tool, "arguments": dict(zip(keys, values))}, result, answer.format(*values)


def called(call, call_id="call_0"):
    """The assistant's message that makes the call."""
    return {"role": "assistant", "content": "", "tool_calls": [{"id": call_id, "type": "function", "function": call}]}


def _refused(r, without):
    """A question that needs a tool which is not there."""
    family = r.choice([f for f in FAMILIES if f not in without])
    return turn(casual(request(family, "", [""] * len(family[2]), r)[0], r), r.choice(NO_TOOL))


def conversation(r, filler):
    """Tools are defined; most turns use them, some do not."""
    families = choose(r, r.choice([1, 1, 2, 3]))
    defined = [definition(family, r) for family in families]
    messages = system(r)
    start = len(messages)
    for _ in range(r.choice([1, 2, 3])):
        x = r.random()
        if x < .25:
            messages += filler(r)
        elif x < .33:
            messages += _refused(r, families)
        else:
            i = r.randrange(len(families))
            question, call, result, answer = request(families[i], *defined[i][1:], r)
            messages += [user(casual(question, r, lower=False)), called(call),
                         {"role": "tool", "content": to_json(result)}, assistant(answer)]
    if len(messages) == start:
        messages += filler(r)
    return [d[0] for d in defined], messages


def without_tools(r):
    """A question for a tool when none is defined."""
    return system(r) + _refused(r, [])
