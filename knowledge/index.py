"""The inverted index over entries: a mutable Builder, an immutable Index, raw likeness per entry. Decides nothing."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Posting = tuple[tuple[int, float], ...]

_TITLE, _SHORT, _FACETS = 0.8, 0.4, 0.25
_SATURATION = 1.1
_RARITY_FLOOR = 0.27
_UNSEEN = 0.7


@dataclass(frozen=True, slots=True)
class Fields:
    """One entry's terms, by field. `variants` holds one sequence of terms per variant (the title counts as one)."""

    variants: tuple[Sequence[str], ...]
    title: Sequence[str]
    short: Sequence[str]
    facets: Sequence[str]


class Index:
    """Immutable postings of one channel (words, or character pairs). Entries are numbered as they were added."""

    __slots__ = ("_fields", "_norms", "_size", "_unseen", "_variants", "_weights")

    def __init__(
        self,
        fields: Mapping[str, Posting],
        variants: Sequence[Mapping[str, Posting]],
        norms: Sequence[Sequence[float]],
        weights: Mapping[str, float],
        unseen: Callable[[str], float],
    ) -> None:
        self._fields = fields
        self._variants = variants
        self._norms = norms
        self._weights = weights
        self._unseen = unseen
        self._size = len(norms)

    def weigh(self, terms: Iterable[str]) -> dict[str, float]:
        """Each distinct term's weight here; terms that no entry knows count by their own rarity, discounted."""
        weights = self._weights
        weighed = {}
        for term in terms:
            if term not in weighed:
                weight = weights.get(term)
                weighed[term] = self._unseen(term) * _UNSEEN if weight is None else weight
        return weighed

    def knows(self, term: str) -> bool:
        """Whether some variant or title has this term."""
        return term in self._weights

    def coverage(self, weighed: Mapping[str, float]) -> list[float]:
        """Per entry the weighted share of the question that its fields know, from 0 to 1."""
        shares = [0.0] * self._size
        whole = sum(weighed.values())
        if whole <= 0:
            return shares
        fields = self._fields
        for term, weight in weighed.items():
            for number, impact in fields.get(term, ()):
                shares[number] += weight * impact
        return [share / whole for share in shares]

    def evidence(self, number: int, weighed: Mapping[str, float]) -> float:
        """The summed weight of the terms that variants or title of entry `number` share with the question."""
        known = self._variants[number]
        return sum(weight for term, weight in weighed.items() if term in known)

    def strangeness(self, number: int, weighed: Mapping[str, float]) -> float:
        """The share of the weight on terms that variants and title of entry `number` lack; 1 without terms."""
        whole = sum(weighed.values())
        known = self._variants[number]
        return sum(weight for term, weight in weighed.items() if term not in known) / whole if whole else 1.0

    def covers(self, number: int, terms: Iterable[str]) -> bool:
        """Whether variants or title of entry `number` have all `terms`."""
        known = self._variants[number]
        return all(term in known for term in terms)

    def nearest(self, number: int, weighed: Mapping[str, float]) -> tuple[float, int]:
        """The best overlap with one variant of entry `number`, and which variant it is (-1: none)."""
        postings = self._variants[number]
        shared: dict[int, float] = {}
        for term in weighed:
            for variant, weight in postings.get(term, ()):
                shared[variant] = shared.get(variant, 0.0) + weight
        whole = sum(weighed.values())
        norms = self._norms[number]
        best, best_variant = 0.0, -1
        for variant, overlap in shared.items():
            dice = 2 * overlap / (whole + norms[variant])
            if dice > best or (dice == best and variant < best_variant):
                best, best_variant = dice, variant
        return min(best, 1.0), best_variant


class Builder:
    """Collects entries' fields and builds an Index. `rarity` says how telling a term is in general, from 0 to 1."""

    def __init__(self, rarity: Callable[[str], float]) -> None:
        self._rarity = rarity
        self._entries: list[Fields] = []

    def add(self, fields: Fields) -> int:
        """Adds one entry; returns its number."""
        self._entries.append(fields)
        return len(self._entries) - 1

    def build(self) -> Index:
        """An index over everything added so far."""
        weights = self._term_weights()
        postings: dict[str, list[tuple[int, float]]] = {}
        variants, norms = [], []
        for number, fields in enumerate(self._entries):
            for term, impact in _impacts(fields).items():
                postings.setdefault(term, []).append((number, impact))
            variants.append(_variant_postings(fields.variants, weights))
            norms.append(tuple(sum(weights[term] for term in set(variant)) for variant in fields.variants))
        ordered = {term: tuple(sorted(found, key=lambda pair: (-pair[1], pair[0]))) for term, found in postings.items()}
        return Index(ordered, variants, norms, weights, self._rarity)

    def _term_weights(self) -> dict[str, float]:
        spread: Counter[str] = Counter()
        for fields in self._entries:
            spread.update({term for variant in fields.variants for term in variant})
        count = len(self._entries)
        ceiling = math.log(1 + (count + 0.5) / 0.5)
        return {
            term: self._rarity(term)
            * (_RARITY_FLOOR + (1 - _RARITY_FLOOR) * math.log(1 + (count - seen + 0.5) / (seen + 0.5)) / ceiling)
            for term, seen in spread.items()
        }


def top(shares: Sequence[float], limit: int) -> list[int]:
    """The numbers of the `limit` largest shares above zero, largest first; equal shares in order of number."""
    found = sorted([(-share, number) for number, share in enumerate(shares) if share > 0])
    return [number for _, number in found[:limit]]


def _impacts(fields: Fields) -> dict[str, float]:
    impacts = dict.fromkeys(fields.facets, _FACETS)
    impacts.update(dict.fromkeys(fields.short, _SHORT))
    counts = Counter(term for variant in fields.variants for term in set(variant))
    for term, count in counts.items():
        impacts[term] = max(impacts.get(term, 0.0), count / (count + _SATURATION))
    for term in fields.title:
        impacts[term] = max(impacts.get(term, 0.0), _TITLE)
    return impacts


def _variant_postings(variants: Sequence[Sequence[str]], weights: Mapping[str, float]) -> dict[str, Posting]:
    postings: dict[str, list[tuple[int, float]]] = {}
    for number, variant in enumerate(variants):
        for term in sorted(set(variant)):
            postings.setdefault(term, []).append((number, weights[term]))
    return {term: tuple(found) for term, found in postings.items()}
