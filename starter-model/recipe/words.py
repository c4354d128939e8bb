"""Values that the model has to copy: names, places, numbers, from an open set.

One value in eight, chosen by its checksum, is kept out of training: the evaluation draws from those
alone, so a right answer was copied and not remembered.
"""
import zlib

REAL_NAMES = """Mira Anna Tom Ben Clara David Emma Felix Grace Henry Ivy Jack Kate Liam Maria Noah Olga Peter Quinn Rosa
Sam Tina Uma Victor Wendy Xavier Yara Zoe Alice Bruno Carlos Diana Elena Frank George Hannah Ines Jonas Karin Lucas Marta
Nina Oscar Paula Rita Simon Teresa Ursula Vera Walter Yusuf Zara Aisha Boris Chen Dmitri Eva Fatima Hiro Igor Jana Kofi
Lena Mateo Nadia Omar Priya Ravi Sofia Tariq Viktor Wei Ahmed Bella Cora Dora Emil Finn Greta Hugo Ida Jules Kim Leo Max
Nora Otto Pia Rolf Sara Theo Ugo Ruff Rex Luna Milo Daisy Buddy Rocky Coco Tiger Spot Fluffy Shadow Smokey Whiskers Socks
Patch Rusty Nemo Polly Rio Star Lucky Bingo Fido José Zoë Åsa Jürgen Łukasz Chloé Søren Núria René Björn Iñaki""".split()
REAL_CITIES = """Lima Cusco Paris London Berlin Madrid Rome Tokyo Oslo Vienna Prague Dublin Lisbon Athens Cairo Delhi
Beijing Sydney Boston Chicago Denver Dallas Toronto Havana Quito Bogota Santiago Moscow Kyiv Warsaw Zurich Geneva Munich
Hamburg Milan Naples Venice Seville Porto Lyon Nairobi Lagos Accra Tunis Dakar Mumbai Seoul Osaka Hanoi Manila Jakarta
Perth Auckland Arequipa Potosi Sucre Rio Austin Seattle Miami Zürich Málaga Kraków Córdoba Ålesund Orléans Brasília Bogotá 東京 Київ""".split()
COLOURS = "red blue green yellow orange purple pink brown black white grey gold silver".split()
FOODS = "pizza rice soup bread cheese cake salad pasta honey fish beans noodles pancakes".split()
JOBS = """baker weaver potter teacher doctor carpenter miller nurse farmer pilot cook singer driver writer painter
lawyer""".split()
PETS = "dog cat horse parrot rabbit goat llama hamster boat donkey".split()
KIN = """sister brother mother father friend teacher boss neighbour neighbor aunt uncle cousin son daughter""".split()
THINGS = """lamp table chair book phone car train ticket key shoe coat hat clock camera radio guitar piano letter cup
bottle box bag door window garden river bridge tower ship engine wheel tent map pen ring""".split()

ONSETS = """b br c ch d dr f g gr h j k l m n p pr r s sh st t tr v w z bl kl th""".split() + [""]
VOWELS = "a e i o u a e i o ai ee oo ia".split()
CODAS = ["", "", "", "n", "r", "l", "s", "m", "t", "k", "x", "ff", "nd", "ck", "lt"]


def held_out(value):
    """True for the eighth of all values that training never sees."""
    return zlib.crc32(str(value).encode()) % 8 == 0


def draw(make, r, ev):
    """A value of `make` from the training part, or from the held-out part when `ev` is true."""
    while True:
        value = make(r)
        if held_out(value) == ev:
            return value


def invented(r):
    """A pronounceable word of 3 to 10 letters, capitalised."""
    while True:
        word = "".join(r.choice(ONSETS) + r.choice(VOWELS) + r.choice(CODAS) for _ in range(r.choice([1, 2, 2, 2, 3])))
        if 3 <= len(word) <= 10:
            return word.capitalize()


def name(r, ev=False):
    """A person's or an animal's name."""
    return draw(lambda r: r.choice(REAL_NAMES) if r.random() < .35 else invented(r), r, ev)


def city(r, ev=False):
    """A place."""
    return draw(lambda r: r.choice(REAL_CITIES) if r.random() < .5 else invented(r), r, ev)


def number(r, ev=False):
    """A whole number of two to five digits, as text."""
    def make(r):
        digits = r.randint(1, 4)
        return str(r.randint(10 ** digits, 10 ** (digits + 1) - 1))
    return draw(make, r, ev)


def word(r, ev=False):
    """An invented word in small letters."""
    return invented(r).lower()


def one_of(values):
    """A maker for a closed list, the same in training and evaluation."""
    return lambda r, ev=False: r.choice(values)


def small(low, high):
    """A maker for whole numbers of a small range, the same in training and evaluation."""
    return lambda r, ev=False: r.randint(low, high)
