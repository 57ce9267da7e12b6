"""What a text is made of, for likeness: characters, pairs of sounds, and words, each with its number."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from knowledge.pinyin import Syllables, coarse
from knowledge.text import STOP

UNKNOWN = -1
_UNITS = 1 << 16
_LATIN = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The numbers of all features; UNKNOWN for those that have none.

    Three channels: characters (by their UTF-16 unit) find fragments and unknown words, `pairs` of `sounds` what stands
    together, in whatever characters it is written (0 is no sound), `words` synonyms. Single sounds and pairs of
    characters were measured too: they cost time and make nothing better. The edges of the text count as characters.
    """

    characters: NDArray[np.int32]
    sounds: NDArray[np.int32]
    pairs: NDArray[np.int32]
    words: Mapping[str, int]

    @classmethod
    def of_all(cls, readings: Syllables, words: Iterable[str]) -> "Vocabulary":
        """Whatever may be in a text of these words: each character, each pair of sounds and each word has a number."""
        spoken = sorted({coarse(syllable) for syllable in (*readings.values(), *_LATIN)})
        number = {sound: at for at, sound in enumerate(spoken, 1)}
        heard = (coarse(readings.get(one, one)) for one in map(chr, range(_UNITS)))
        size = len(number) + 1
        pairs = np.arange(_UNITS, _UNITS + size * size, dtype=np.int32).reshape(size, size)
        pairs[0, :] = pairs[:, 0] = UNKNOWN
        return cls(
            np.arange(_UNITS, dtype=np.int32),
            np.array([number.get(sound, 0) for sound in heard], dtype=np.int32),
            pairs,
            {word: at for at, word in enumerate(sorted(set(words)), _UNITS + size * size)},
        )

    @property
    def size(self) -> int:
        """One more than the largest number."""
        return 1 + max(int(self.characters.max()), int(self.pairs.max()), *self.words.values())

    def renumbered(self, numbers: NDArray[np.int32]) -> "Vocabulary":
        """The same with `numbers[n]` for each number n; the last of `numbers` is UNKNOWN."""
        words = {word: int(numbers[at]) for word, at in self.words.items() if numbers[at] != UNKNOWN}
        return Vocabulary(numbers.take(self.characters), self.sounds, numbers.take(self.pairs), words)

    def numbers(self, plain: str, words: Iterable[str]) -> list[int]:
        """The features of a normalised text whose canonical words are `words`, as often as they occur."""
        units = np.frombuffer(f"^{plain.replace(STOP, '')}$".encode("utf-16-le", "surrogatepass"), dtype=np.uint16)
        sounds = self.sounds.take(units[1:-1])
        pairs = self.pairs.take(sounds[:-1] * len(self.pairs) + sounds[1:])
        return [
            *self.characters.take(units).tolist(),
            *pairs.tolist(),
            *[self.words.get(word, UNKNOWN) for word in words],
        ]

    def names(self, plain: str, words: Iterable[str]) -> dict[int, str]:
        """What each feature of such a text is, by its number, after a letter for its channel: c, p or w."""
        units = [one if ord(one) < _UNITS else "？？" for one in plain.replace(STOP, "")]  # two units for the rare ones
        bare = "".join(units)
        names = [f"c{one}" for one in f"^{bare}$"] + [f"p{one}{other}" for one, other in pairwise(bare)]
        return dict(zip(self.numbers(plain, words), [*names, *(f"w{word}" for word in words)], strict=True))
