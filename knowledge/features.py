"""What a text is made of, for likeness: characters, pairs of sounds, and words. Counts only."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from knowledge.pinyin import Syllables, coarse
from knowledge.text import STOP


def features(plain: str, words: Sequence[str], readings: Syllables) -> Counter[str]:
    """The counted features of a normalised text whose canonical words are `words`.

    Three channels, told apart by their first letter: characters (c) find fragments and unknown words, pairs of sounds
    (p) what stands together, in whatever characters it is written, words (w) synonyms. Single sounds and pairs of
    characters were measured too: they cost time and make nothing better. The edges of the text count as characters.
    """
    bare = plain.replace(STOP, "")
    sounds = [coarse(readings.get(character, character)) for character in bare]
    found = ["c^", "c$", *["c" + character for character in bare]]
    found += [f"p{first} {second}" for first, second in pairwise(sounds)]
    found += ["w" + word for word in words]
    return Counter(found)
