"""Writes src/test/resources/sentencepiece: a small vocabulary of Llama 2's kind (SentencePiece BPE with byte fallback) as
tokenizer.json in the form of Llama 2's checkpoints and as SentencePiece's tokenizer.model, with what Hugging Face's tokenizers makes of
the texts of texts.py and of conversations through Llama 2's way to write them.

    pip install tokenizers transformers jinja2 && python make_sentencepiece_goldens.py

The merges of tokenizer.json are those that transformers derives from the pieces' scores.
"""
import json
import pathlib
import random
import struct

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast
from transformers.tokenization_utils_sentencepiece import generate_merges

from texts import EVERYTHING, TEXTS, undecodable

HERE = pathlib.Path(__file__).resolve().parent.parent / "resources" / "sentencepiece"
SPECIAL = ["<unk>", "<s>", "</s>"]
BYTES = [f"<0x{b:02X}>" for b in range(256)]
UNKNOWN, CONTROL, BYTE, NORMAL = 2, 3, 6, 1
NORMALIZER = {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]}
DECODER = {"type": "Sequence", "decoders": [
    {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
    {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}

# Our own words for Llama 2's form.
TEMPLATE = """{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}\
{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}\
{% endif %}{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}\
{{ raise_exception('Roles must alternate user/assistant/user/assistant/...') }}{% endif %}\
{% if loop.index0 == 0 and system_message != false %}\
{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}\
{% set content = message['content'] %}{% endif %}{% if message['role'] == 'user' %}\
{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif message['role'] == 'assistant' %}\
{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"""

CHATS = [
    ("one question", [{"role": "user", "content": "Hello, llama!"}]),
    ("system", [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "\n Why? "}]),
    ("turns", [{"role": "system", "content": "x"}, {"role": "user", "content": "12345 llamas"},
               {"role": "assistant", "content": "It's 2024."}, {"role": "user", "content": "niña 🦙\n\nvolcán"}]),
    ("answered", [{"role": "user", "content": "a  b"}, {"role": "assistant", "content": " c "}]),
]


def pieces():
    """(piece, score, type) as SentencePiece orders them: special, bytes, merged by falling score, characters."""
    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tok.train_from_iterator([text for text in TEXTS if len(text) < 200] * 2,
                            trainers.BpeTrainer(vocab_size=700, min_frequency=2, show_progress=False, limit_alphabet=180))
    trained = sorted(tok.get_vocab().items(), key=lambda e: e[1])
    merged = [t for t, _ in trained if len(t) > 1]
    characters = [t for t, _ in trained if len(t) == 1]
    out = [(SPECIAL[0], 0.0, UNKNOWN), (SPECIAL[1], 0.0, CONTROL), (SPECIAL[2], 0.0, CONTROL)]
    out += [(name, 0.0, BYTE) for name in BYTES]
    out += [(piece, -float(rank), NORMAL) for rank, piece in enumerate(merged + characters)]
    return out


def varint(n):
    out = b""
    while True:
        out += bytes([n & 0x7f | (0x80 if n > 0x7f else 0)])
        n >>= 7
        if not n:
            return out


def chunk(field, payload):
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def number(field, n):
    return varint(field << 3) + varint(n)


def sentencepiece(all_pieces):
    """SentencePiece's ModelProto."""
    out = b""
    for piece, score, kind in all_pieces:
        out += chunk(1, chunk(1, piece.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score)
                     + (number(3, kind) if kind != NORMAL else b""))
    trainer = number(3, 2) + number(4, len(all_pieces)) + number(35, 1)
    normalizer = chunk(1, b"identity") + number(3, 1) + number(4, 0) + number(5, 1)
    return out + chunk(2, trainer) + chunk(3, normalizer)


def main():
    all_pieces = pieces()
    vocab = {piece: i for i, (piece, _, _) in enumerate(all_pieces)}
    scores = {piece: score for piece, score, _ in all_pieces}
    merges = generate_merges(vocab, scores)
    tree = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                          "special": True} for i, name in enumerate(SPECIAL)],
        "normalizer": NORMALIZER, "pre_tokenizer": None, "post_processor": None, "decoder": DECODER,
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": True, "byte_fallback": True, "vocab": vocab,
                  "merges": [list(pair) for pair in merges]}}
    HERE.mkdir(parents=True, exist_ok=True)
    (HERE / "tokenizer.json").write_text(json.dumps(tree, ensure_ascii=False, separators=(",", ":")) + "\n")
    (HERE / "tokenizer.model").write_bytes(sentencepiece(all_pieces))
    (HERE / "config.json").write_text(json.dumps({"bos_token_id": 1, "eos_token_id": 2, "vocab_size": len(vocab)}) + "\n")
    (HERE / "tokenizer_config.json").write_text(json.dumps(
        {"bos_token": "<s>", "eos_token": "</s>", "chat_template": TEMPLATE}, indent=1) + "\n")

    whole = Tokenizer.from_str(json.dumps(tree))
    bare = Tokenizer.from_str(json.dumps({**tree, "added_tokens": []}))
    fast = PreTrainedTokenizerFast(tokenizer_object=whole, bos_token="<s>", eos_token="</s>")
    generator = random.Random(3)
    decodes = [t for t in undecodable(len(vocab)) if not mixed(t)]
    decodes += [[generator.randrange(259, len(vocab)), *(3 + b for b in "é🦙".encode()), generator.randrange(259, len(vocab))],
                [3 + 0xe5, 3 + 0xb1], [3 + 0xff], [1, vocab["▁a"] if "▁a" in vocab else 300, 2]]
    chats = []
    for name, messages in CHATS:
        text = fast.apply_chat_template(messages, chat_template=TEMPLATE, tokenize=False)
        chats.append({"name": name, "messages": messages, "text": text,
                      "tokens": whole.encode(text, add_special_tokens=False).ids})
    goldens = {
        "size": len(vocab),
        "texts": [{"text": t, "tokens": bare.encode(t, add_special_tokens=False).ids} for t in EVERYTHING],
        "decodes": [{"tokens": t, "text": whole.decode(t, skip_special_tokens=False)} for t in decodes],
        "chats": chats}
    (HERE / "goldens.json").write_text(json.dumps(goldens, separators=(",", ":")) + "\n")


def mixed(tokens):
    """Whether a run of byte tokens has both characters and bytes that are none: there Hugging Face drops the characters too."""
    run = b""
    for token in [*tokens, 0]:
        if 3 <= token < 259:
            run += bytes([token - 3])
            continue
        if run:
            text = run.decode(errors="replace")
            bad = text.count("�")
            if bad and bad != len(text):
                return True
            if bad and "�" * len(run) != text and any(c != "�" for c in text):
                return True
        run = b""
    return False


if __name__ == "__main__":
    main()
