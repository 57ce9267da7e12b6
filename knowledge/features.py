"""What a text is made of, for likeness: characters, sounds and words, single and in pairs. Counts only."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

from knowledge.pinyin import Syllables, coarse
from knowledge.text import STOP


def features(plain: str, words: Sequence[str], readings: Syllables) -> Counter[str]:
    """The counted features of a normalised text whose canonical words are `words`.

    Three channels, told apart by their first letter: characters (c) find fragments and unknown words, sounds (p)
    homophones and slips of a pinyin keyboard, words (w) synonyms. The edges of the text count as characters.
    """
    bare = plain.replace(STOP, "")
    framed = f"^{bare}$"
    sounds = [coarse(readings.get(character, character)) for character in bare]
    found: Counter[str] = Counter()
    found.update("c" + character for character in framed)
    found.update("c" + framed[at : at + 2] for at in range(len(framed) - 1))
    found.update("p" + sound for sound in sounds)
    found.update(f"p{first} {second}" for first, second in pairwise(sounds))
    found.update("w" + word for word in words)
    return found
