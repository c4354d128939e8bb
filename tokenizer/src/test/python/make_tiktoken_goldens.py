"""Writes src/test/resources/tiktoken: a small vocabulary in tiktoken's format with what tiktoken makes of the texts of texts.py, and
llama3.json: the same with Meta's own Llama 3 vocabulary, whose file is not part of the project.

    pip install tokenizers tiktoken transformers && python make_tiktoken_goldens.py PATH/TO/llama3/tokenizer.model

Hugging Face's conversion of each file must agree on every text, or nothing is written.
"""
import base64
import json
import pathlib
import sys

import tiktoken
from tokenizers import Regex, Tokenizer, models, pre_tokenizers, trainers
from transformers.convert_slow_tokenizer import TikTokenConverter

from texts import EVERYTHING, TEXTS, undecodable

HERE = pathlib.Path(__file__).resolve().parent.parent / "resources" / "tiktoken"
SPLIT = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|"
         r"\s+(?!\S)|\s+")
SPECIAL = ["<|begin_of_text|>", "<|end_of_text|>", "<|reserved_special_token_0|>", "<|reserved_special_token_1|>",
           "<|finetune_right_pad_id|>", "<|reserved_special_token_2|>", "<|start_header_id|>", "<|end_header_id|>", "<|eom_id|>",
           "<|eot_id|>", "<|python_tag|>"]
SPECIAL += [f"<|reserved_special_token_{i}|>" for i in range(3, 248)]


def train():
    """Ranks of a vocabulary trained on the texts themselves, so that most of its merges are met."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    tok.train_from_iterator(TEXTS * 2, trainers.BpeTrainer(
        vocab_size=1200, min_frequency=2, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    printable = [*range(ord("!"), ord("~") + 1), *range(0xa1, 0xad), *range(0xae, 0x100)]
    byte_of = {chr(b): b for b in printable}
    byte_of.update({chr(256 + n): b for n, b in enumerate(b for b in range(256) if b not in printable)})
    vocab = sorted(tok.get_vocab().items(), key=lambda e: e[1])
    return {bytes(byte_of[c] for c in token): rank for token, rank in vocab}


def goldens(file):
    lines = [line.split() for line in file.read_bytes().splitlines()]
    ranks = {base64.b64decode(token): int(rank) for token, rank in lines}
    meta = tiktoken.Encoding("llama3", pat_str=SPLIT, mergeable_ranks=ranks,
                             special_tokens={name: len(ranks) + i for i, name in enumerate(SPECIAL)})
    face = TikTokenConverter(vocab_file=str(file), pattern=SPLIT).converted()
    texts = []
    for text in EVERYTHING:
        tokens = meta.encode_ordinary(text)
        assert tokens == face.encode(text, add_special_tokens=False).ids, text
        texts.append({"text": text, "tokens": tokens})
    decodes = []
    for tokens in undecodable(len(ranks)):
        text = meta.decode(tokens, errors="replace")
        assert text == face.decode(tokens, skip_special_tokens=False), tokens
        decodes.append({"tokens": tokens, "text": text})
    return {"size": len(ranks) + len(SPECIAL), "texts": texts, "decodes": decodes}


def write(name, content):
    rows = [f'"size": {content["size"]}'] + [
        f'"{key}": [\n' + ",\n".join(json.dumps(row) for row in content[key]) + "\n]" for key in ("texts", "decodes")]
    (HERE / name).write_text("{" + ",\n".join(rows) + "}\n")


if __name__ == "__main__":
    small = HERE / "tokenizer.model"
    HERE.mkdir(exist_ok=True)
    small.write_text("".join(f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in train().items()))
    first = 1200
    (HERE / "config.json").write_text(json.dumps({"bos_token_id": first, "eos_token_id": [first + 1, first + 8, first + 9]}) + "\n")
    write("goldens.json", goldens(small))
    write("llama3.json", goldens(pathlib.Path(sys.argv[1])))
