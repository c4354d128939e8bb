"""The prompt as text. `segments` mirrors chat_template.jinja and says which parts are trained on.

tokenizer.py checks that the two give the same text.
"""
import json
import pathlib

TEMPLATE = (pathlib.Path(__file__).parent / "chat_template.jinja").read_text().rstrip("\n")
CALL_HINT = 'To call one, answer only with {"name": function name, "parameters": {argument name: value}}.\n\n'


def head(role):
    """The header that opens a turn."""
    return f"<|start_header_id|>{role}<|end_header_id|>\n\n"


def to_json(value):
    """JSON on one line, with letters beyond ASCII as they are."""
    return json.dumps(value, ensure_ascii=False)


def call_text(call):
    """A tool call in Llama 3.1's JSON form."""
    return '{"name": ' + to_json(call["name"]) + ', "parameters": ' + to_json(call["arguments"]) + "}"


def segments(tools, messages, prompt=False, dumps=to_json):
    """The conversation as [(text, trained on)]; with `prompt` it ends in an open assistant header.

    `dumps` writes the tool definitions, so that training can show both spacings of JSON.
    """
    out = [("<|begin_of_text|>", False)]
    messages = list(messages)
    system = messages.pop(0)["content"].strip() if messages and messages[0]["role"] == "system" else ""
    if tools:
        out.append((head("system") + "Environment: ipython" + ("\n\n" + system if system else "") + "<|eot_id|>", False))
    elif system:
        out.append((head("system") + system + "<|eot_id|>", False))
    lead = "Functions:\n" + "".join(dumps(t["function"]) + "\n" for t in tools) + CALL_HINT if tools else ""
    for message in messages:
        role = "ipython" if message["role"] == "tool" else message["role"]
        if message.get("tool_calls"):
            body = "\n".join(call_text(call["function"]) for call in message["tool_calls"])
        else:
            body = message["content"].strip()
        out.append((head(role) + lead, False))
        out.append((body + "<|eot_id|>", role == "assistant"))
        lead = ""
    if prompt:
        out.append((head("assistant"), False))
    return out


def text(tools, messages, prompt=False):
    """The whole prompt as one string."""
    return "".join(s for s, _ in segments(tools, messages, prompt))
