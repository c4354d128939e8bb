"""Texts that tokenizers disagree on: scripts, code, runs of whitespace, emoji, controls, names of special tokens, noise."""
import random

LANGUAGES = [
    "The high plateau lies between two ranges, and the wind has the whole of it.",
    "Das Hochland liegt zwischen zwei Gebirgsketten; größer, weiß und übermütig.",
    "L'altiplano s'étend entre deux chaînes, où l'été est court. « N'est-ce pas ? »",
    "El altiplano es una meseta extensa; la niña señaló el volcán más alto. ¿Verdad? ¡Sí!",
    "Плоскогорье лежит между двумя хребтами, и ветер гуляет по нему.",
    "Το οροπέδιο βρίσκεται ανάμεσα σε δύο οροσειρές· Σίσυφος.",
    "高原は二つの山脈の間にあり、風が吹き抜ける。カタカナとひらがな、ｶﾅ。",
    "高原位于两座山脉之间，风吹过整片土地。繁體中文也在這裡。",
    "고원은 두 산맥 사이에 있고 바람이 분다. 각ᄀᆞ",
    "الهضبة العالية تقع بين سلسلتين من الجبال، والرياح تعصف بها.",
    "הרמה הגבוהה נמצאת בין שני רכסים. שָׁלוֹם",
    "उच्च पठार दो श्रेणियों के बीच है। क्षत्रिय ज्ञान ॐ",
    "ที่ราบสูงอยู่ระหว่างเทือกเขาสองแห่ง น้ำ",
    "Cao nguyên nằm giữa hai dãy núi; gió thổi khắp nơi. Tiếng Việt",
    "İstanbul'da ığdır ağacı; ŞĞÜÖÇ.", "Łódź, źdźbło, žluťoučký kůň, ő ű, ă ș ț, þæð.",
    "ქართული ენა; հայերեն լեզու; አማርኛ; မြန်မာ; ខ្មែរ; ᠮᠣᠩᠭᠣᠯ; தமிழ்; తెలుగు; বাংলা; ਪੰਜਾਬੀ",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈𐌰𐌹 𓂀𓃭 𠜎𠜱𠝹 ﷽ ﬁ ﬂ Ⅷ ½ ² ₃ ①",
]
CODE = [
    "def area(width, height):\n    \"\"\"Area.\"\"\"\n    return width * height  # m²\n",
    "public static void main(String[] args) {\n\tSystem.out.println(\"Hi\\n\");\n}\r\n",
    "for (int i=0;i<n;++i){a[i]+=b[i]<<3;}//x\n\n\n#include <stdio.h>",
    "SELECT * FROM t WHERE a='x' AND b>=1.5e-10; -- c",
    "<a href=\"https://example.org/?q=1&r=%20\">x</a><!-- c -->",
    "{\"name\": \"weather\", \"parameters\": {\"city\": \"La Paz\", \"n\": [1, 22, 333, 4444, 55555]}}",
    "\\begin{align}\\frac{a}{b}&=\\sum_{i=0}^{\\infty}x_i\\end{align}", "#!/bin/sh\nset -e; x=$(cat <<'E'\n$y\nE\n)",
    "x=>x?.y??z!==0||!w&&~v^u;a->*b::c<=>d", "let r#type: &'static str = \"it's\"; 'a'..='z'",
]
SPACES = [" " * n for n in (1, 2, 3, 4, 7, 8, 16, 33, 64, 127, 128, 129, 300)] + [
    "\t", "\t\t\t\t\t", "\n", "\n\n", "\n\n\n\n\n\n\n\n\n\n", "\r", "\r\n", "\r\n\r\n\r\n", " \n", " \n \n  \n", "\n ", "\n\n  a",
    "a \n", "a  \n\n b", "a\t b", "a \t\n\t b", "  a   b    c", "a\n    b\n        c\n", "\x0b\x0c\x1c\x85", "\u00a0a\u00a0\u00a0b",
    "a\u2003b\u2009\u200a\u202f\u3000c", "\u2028\u2029a", "x\u200by\u200cz\u200d\u2060\ufeff", "1 2  3   4", "!  !", " !\n!", ".\n\n\n.",
    "\n" * 100, " \t" * 50, "a" + " " * 50 + "b"]
EMOJI = ["🦙", "🦙🏔🇧🇴", "👩‍👩‍👧‍👦 👍🏽 ❤️ ☺︎ 1️⃣ #️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "a🦙b 🦙 c", "😀😃😄😁😆😅😂🤣" * 3, "\u0001f999 \U0001fae0"]
WORDS = [
    "It's 12345 km, isn't it?", "I'LL DON'T We'Re you'VE i'M it'D 'S'T", "don’t l’été", "1234567890123", "3.14159 1,000,000 1e-9 0x1F",
    "a1b22c333d4444", "٣٤٥٦ ४५६७ Ⅻ ½¾", "x" * 300, "ab" * 120, "aaa aaaa aaaaa aaaaaaaaaaaaaaaaaaaaaaaaa", "ha" * 33 + "h",
    "CamelCaseAndSNAKE_case-and-kebab.dots/slashes\\back", "e\u0301 vs é; n\u0303; a\u0308\u0301", "…—–‘’“”«»‹›", "!!!???...,,,;;;", "-" * 80, "=" * 81,
    "a\u0000b\u0001\u0007\u001b[0m\u007f", "\ufffd\ufffd\ufffe\uffff", "\ue000\uf8ff \U000f0000\U0010ffff", "\ud7ff\ue000", "ﬀﬃ K Å ſ ẞ ß İ ı"]
SPECIAL_NAMES = [
    "<|begin_of_text|>", "<|eot_id|>", "a<|eot_id|>b", "<|start_header_id|>system<|end_header_id|>\n\nObey.<|eot_id|>", "<|python_tag|>x",
    "<|reserved_special_token_0|><|reserved_special_token_247|>", "<|eot_id", "<|<|eot_id|>|>", "<s></s>[INST]<<SYS>>", "<|endoftext|>"]


def noise():
    generator = random.Random(7)
    ranges = [(0x20, 0x7f)] * 6 + [(0xa0, 0x24f), (0x300, 0x36f), (0x370, 0x5ff), (0x600, 0x6ff), (0x900, 0x97f), (0x2000, 0x206f),
                                   (0x3040, 0x30ff), (0x4e00, 0x9fff), (0xac00, 0xd7a3), (0x1f300, 0x1faff), (0, 0x20)]
    out = []
    for n in range(80):
        text = ""
        while len(text) < 5 + n:
            low, high = generator.choice(ranges)
            text += "".join(chr(generator.randint(low, high)) for _ in range(generator.randint(1, 6)))
            text += generator.choice(["", " ", "  ", "\n", "\t", " \n"])
        out.append(text)
    return out


TEXTS = ["", *LANGUAGES, *CODE, *SPACES, *EMOJI, *WORDS, *noise()]
EVERYTHING = TEXTS + SPECIAL_NAMES


def undecodable(size):
    """Token sequences of any kind, most of which are no UTF-8."""
    generator = random.Random(11)
    return [[generator.randrange(size) for _ in range(1 + n % 30)] for n in range(60)]
