"""Writes src/test/resources/tiny (a byte-level BPE tokenizer with Llama 3's special tokens and regular expression) and
src/test/resources/goldens.json (what Hugging Face's tokenizers and transformers make of texts and conversations).

    pip install tokenizers transformers jinja2 && python make_goldens.py
"""
import json
import pathlib

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).resolve().parent.parent / "resources"
TINY = HERE / "tiny"
TINY.mkdir(parents=True, exist_ok=True)

SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
         r"\s+(?!\S)|\s+")
SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|finetune_right_pad_id|>", "<|start_header_id|>",
           "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>", "<|python_tag|>"]
CORPUS = """The high plateau lies between two ranges, and the wind has the whole of it. Llamas graze where the grass is
short; the salt flats shine at noon. She wrote to him: "It's cold at night, isn't it? We'll walk 12 km to Uyuni, then 345
more." Water boils at 86 degrees there. El altiplano es una meseta extensa; la niña señaló el volcán más alto. In 2024 the
road was mended, and in 1999 it was not. def area(width, height): return width * height
{"name": "weather", "parameters": {"city": "La Paz"}} user assistant system ipython Environment
Cutting Knowledge Date: December 2023   Today Date: the llama, the llama, the llama walks and walks and walks again.
"""


def tokenizer():
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=504, min_frequency=2, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tok.train_from_iterator([CORPUS], trainer)
    tok.add_special_tokens([AddedToken(s, normalized=False, special=True) for s in SPECIAL])
    return tok


# Our own template, with the constructs that Llama 3.1's uses: slices, tests, dates, indented tool definitions.
TEMPLATE = """{{- bos_token }}
{#- The system message opens the conversation. #}
{%- if not date_string is defined %}
    {%- set date_string = "26 Jul 2024" %}
{%- endif %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system_message = messages[0]['content']|trim %}
    {%- set messages = messages[1:] %}
{%- else %}
    {%- set system_message = "" %}
{%- endif %}
{{- "<|start_header_id|>system<|end_header_id|>\\n\\n" }}
{%- if tools is not none %}
    {{- "Environment: ipython\\n" }}
{%- endif %}
{{- "Date: " + date_string + "\\n\\n" }}
{%- if tools is not none %}
    {%- for t in tools %}
        {{- t | tojson(indent=4) }}
        {{- "\\n\\n" }}
    {%- endfor %}
{%- endif %}
{{- system_message }}
{{- "<|eot_id|>" }}
{%- for message in messages %}
    {%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) %}
        {{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}
    {%- elif 'tool_calls' in message %}
        {%- if not message.tool_calls|length == 1 %}
            {{- raise_exception("This model only supports single tool-calls at once!") }}
        {%- endif %}
        {%- set tool_call = message.tool_calls[0].function %}
        {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' -}}
        {{- '{"name": "' + tool_call.name + '", ' }}
        {{- '"parameters": ' }}
        {{- tool_call.arguments | tojson }}
        {{- "}" }}
        {{- "<|eot_id|>" }}
    {%- elif message.role == "tool" or message.role == "ipython" %}
        {{- "<|start_header_id|>ipython<|end_header_id|>\\n\\n" }}
        {%- if message.content is mapping or message.content is iterable %}
            {{- message.content | tojson }}
        {%- else %}
            {{- message.content }}
        {%- endif %}
        {{- "<|eot_id|>" }}
    {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
    {{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}
{%- endif %}
"""

# Whitespace control by trim_blocks and lstrip_blocks alone.
PLAIN_TEMPLATE = """{{ bos_token }}
{% for m in messages %}
    {% if loop.first %}
<|start_header_id|>{{ m.role }}<|end_header_id|>

    {% else %}
<|start_header_id|>{{ m['role'] | upper }}<|end_header_id|>
    {% endif %}
  {{ m['content'] }}<|eot_id|>
{% endfor %}
{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>

{% endif %}"""

TOOL = {"type": "function", "function": {
    "name": "weather", "description": "Today's weather in a city, e.g. \"Sucre\" <b>&</b> é",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
                   "required": ["city"], "x": [1, 2.5, 1e20, 1e-7, True, None, [], {}]}}}

CHATS = [
    ("one question", [{"role": "user", "content": "Hello, llama!"}], None, True),
    ("system and trims", [{"role": "system", "content": "  Be brief.\n"}, {"role": "user", "content": "\n\n Why? \t"}],
     None, True),
    ("no generation prompt", [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}], None, False),
    ("three turns", [{"role": "system", "content": "x"}, {"role": "user", "content": "12345 llamas"},
                     {"role": "assistant", "content": "It's 2024."}, {"role": "user", "content": "niña\n\n\nvolcán"}],
     None, True),
    ("jinja in content", [{"role": "user", "content": "{{ 7*7 }} {% for x in y %} {# c #} {{- bos_token }} {%- raw -%}"}],
     None, True),
    ("quotes and backslashes", [{"role": "user", "content": "\\n 'a' \"b\" \\\\ ${x} #{y}"}], None, True),
    ("a tool", [{"role": "user", "content": "Weather in La Paz?"}], [TOOL], True),
    ("a tool's answer", [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": {"city": "La Paz", "days": 2}}}]},
        {"role": "tool", "tool_call_id": "c1", "content": "{\"degrees\": 9}"}], [TOOL], True),
    ("other scripts", [{"role": "user", "content": "山の上 🦙🏔 العربية \u0000 \u200b \u00a0end\u00a0"}], None, True),
    ("digits and spaces", [{"role": "user", "content": "1234567  89\r\n\r\n   tabs\t\tend"}], None, True),
]

TEXTS = ["", " ", "Hello, llama!", "It's 12345 km, isn't it?", "  two  spaces \n\n\n and lines\r\n", "niña señaló volcán",
         "山の上の家", "🦙🏔🇧🇴 family 👩‍👩‍👧‍👦", "a\u0000b", "\ufeffbom", "العربية", "e\u0301 vs é", "x" * 300,
         "def f(x):\n\treturn x ** 2  # no\n", "{{ x }} {% y %}", "\u0085 \u2028 \u00a0"]
LITERALS = ["<|eot_id|>", "a<|begin_of_text|>b", "<|start_header_id|>system<|end_header_id|>\n\nObey."]


def main():
    tok = tokenizer()
    tok.save(str(TINY / "tokenizer.json"), pretty=False)
    ids = {s: tok.token_to_id(s) for s in SPECIAL}
    (TINY / "config.json").write_text(json.dumps({
        "bos_token_id": ids["<|begin_of_text|>"], "eos_token_id": ids["<|end_of_text|>"], "vocab_size": 512}, indent=1) + "\n")
    (TINY / "generation_config.json").write_text(json.dumps({
        "bos_token_id": ids["<|begin_of_text|>"],
        "eos_token_id": [ids["<|end_of_text|>"], ids["<|eom_id|>"], ids["<|eot_id|>"]]}, indent=1) + "\n")
    (TINY / "tokenizer_config.json").write_text(json.dumps({
        "bos_token": "<|begin_of_text|>", "eos_token": {"content": "<|eot_id|>"}, "chat_template": PLAIN_TEMPLATE},
        indent=1) + "\n")
    (TINY / "chat_template.jinja").write_text(TEMPLATE)

    fast = PreTrainedTokenizerFast(tokenizer_object=tok, bos_token="<|begin_of_text|>", eos_token="<|eot_id|>")
    plain = Tokenizer.from_str(tok.to_str())
    bare = json.loads(tok.to_str())
    bare["added_tokens"] = []
    plain = Tokenizer.from_str(json.dumps(bare))

    def chats(template, tools_too):
        out = []
        for name, messages, tools, prompt in CHATS:
            if not tools_too and (tools or name == "a tool's answer"):
                continue
            text = fast.apply_chat_template(messages, tools=tools, chat_template=template, tokenize=False,
                                            add_generation_prompt=prompt)
            out.append({"name": name, "messages": messages, "tools": tools or [], "prompt": prompt, "text": text,
                        "tokens": tok.encode(text, add_special_tokens=False).ids})
        return out

    undecodable = [[i for i in range(200, 256)], [tok.token_to_id("ð"), tok.token_to_id("Ł")], [tok.token_to_id("Ã")]]
    goldens = {
        "special": ids,
        "texts": [{"text": t, "tokens": tok.encode(t, add_special_tokens=False).ids} for t in TEXTS],
        "literals": [{"text": t, "tokens": plain.encode(t, add_special_tokens=False).ids} for t in LITERALS],
        "decodes": [{"tokens": t, "text": tok.decode(t, skip_special_tokens=False)} for t in undecodable],
        "chats": chats(TEMPLATE, True),
        "plain_chats": chats(PLAIN_TEMPLATE, False),
    }
    (HERE / "goldens.json").write_text(json.dumps(goldens, ensure_ascii=True, indent=1) + "\n")


main()
