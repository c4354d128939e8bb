"""Train the tokenizer: byte-level BPE of 1,024 tokens with Llama 3's split pattern and special tokens.

The merges are learnt under a finer split (single digits, words apart from the space before them). Under
Llama 3's pattern, which the saved tokenizer has, digits therefore still come one by one, and a name, a key
or any other value is cut the same way after a space, a quote or a bracket: copying stays copying.
"""
import json
import pathlib
import random

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

import conversations
import render

VOCABULARY = 1024
CONTEXT = 8192
PAD = "<|finetune_right_pad_id|>"
# The first eleven in Llama 3.1's own order; reserved ones fill up to 16.
SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>", PAD,
           "<|reserved_special_token_2|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>", "<|eot_id|>",
           "<|python_tag|>"] + [f"<|reserved_special_token_{i}|>" for i in range(3, 8)]
FINE = r"\p{N}|\p{Lu}?\p{Ll}+|\p{Lu}| ?[^\s\p{L}\p{N}]+|\s*[\r\n]+|\s+"
# Words that are never a value or a key: each gets one more merge, with its space, so that there is less to read.
JOINED = "is the a of and in you for with my what your called does that has are or than was".split()
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")


def _splitter(pattern):
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def _texts(seed, n):
    r = random.Random(seed)
    for _ in range(n):
        _, tools, messages = conversations.sample(r, copy=.05)
        for text, _ in render.segments(tools, messages):
            for special in SPECIAL:
                text = text.replace(special, "\n")
            yield text


def _join(tokenizer):
    """The tokenizer with the merges of JOINED after all others."""
    learnt = json.loads(tokenizer.to_str())
    space = pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(" ")[0][0]
    for word in JOINED:
        assert word in learnt["model"]["vocab"], word
        learnt["model"]["vocab"][space + word] = len(learnt["model"]["vocab"])
        learnt["model"]["merges"].append([space, word])
    return Tokenizer.from_str(json.dumps(learnt))


def train(seed=7, n=15000):
    """A trained `tokenizers.Tokenizer`."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = _splitter(FINE)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(_texts(seed, n), trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL) - len(JOINED), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False))
    tokenizer = _join(tokenizer)
    tokenizer.pre_tokenizer = _splitter(LLAMA3)
    tokenizer.add_special_tokens(SPECIAL)
    bos = SPECIAL[0]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A", pair=f"{bos} $A {bos} $B", special_tokens=[(bos, tokenizer.token_to_id(bos))])
    return tokenizer


def save(tokenizer, out):
    """Write tokenizer.json, tokenizer_config.json and special_tokens_map.json as Llama 3.1 has them."""
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(out / "tokenizer.json"))
    added = {str(tokenizer.token_to_id(s)): {"content": s, "lstrip": False, "normalized": False, "rstrip": False,
                                             "single_word": False, "special": True} for s in SPECIAL}
    names = {"bos_token": SPECIAL[0], "eos_token": "<|eot_id|>", "pad_token": PAD}
    _write(out / "tokenizer_config.json", {
        "added_tokens_decoder": added, **names, "chat_template": render.TEMPLATE, "clean_up_tokenization_spaces": False,
        "model_input_names": ["input_ids", "attention_mask"], "model_max_length": CONTEXT,
        "tokenizer_class": "PreTrainedTokenizerFast"})
    _write(out / "special_tokens_map.json", names)


def check(hf_tokenizer, n=300):
    """The template must render what the trainer trains on, and decoding must give the text back."""
    r = random.Random(3)
    for _ in range(n):
        _, tools, messages = conversations.sample(r, copy=.05)
        want = render.text(tools, messages)
        got = hf_tokenizer.apply_chat_template(messages, tools=tools or None, tokenize=False)
        assert got == want, (got, want)
        assert hf_tokenizer.decode(hf_tokenizer.encode(want, add_special_tokens=False)) == want


def _write(path, value):
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
