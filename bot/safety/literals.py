"""Which words a regular expression cannot match without, so that most need not be tried on most texts. Pure.

The parse tree is re's own: a second parser of regular expressions would be longer than this and wrong sooner.
"""

import re
from collections.abc import Iterable
from re import _constants as ops  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_MOST = 120  # a longer list of alternatives costs more in the automaton than it saves


def demands_of(expression: re.Pattern[str]) -> tuple[frozenset[str], ...]:
    """Sets of words: a text that the expression matches has at least one word of each. The most telling set first."""
    return tuple(sorted(_of_sequence(parser.parse(expression.pattern)), key=_telling, reverse=True))


def _telling(words: frozenset[str]) -> tuple[int, int]:
    """The longer its shortest word, and then the fewer they are, the rarer a set is met by chance."""
    return min(map(len, words)), -len(words)


def _of_sequence(items: Iterable[Any]) -> list[frozenset[str]]:
    """What each item in a row demands."""
    demands: list[frozenset[str]] = []
    run = ""
    for op, argument in items:
        if op is ops.LITERAL:
            run += chr(argument)
            continue
        demands += [frozenset({run})] if run else []
        run = ""
        demands += _of_item(op, argument)
    demands += [frozenset({run})] if run else []
    return [demand for demand in demands if len(demand) <= _MOST]


def _of_item(op: Any, argument: Any) -> list[frozenset[str]]:
    if op is ops.SUBPATTERN:
        return _of_sequence(argument[-1])
    if op is ops.BRANCH:
        best = [max(_of_sequence(branch), key=_telling, default=None) for branch in argument[1]]
        return [frozenset().union(*best)] if all(best) else []  # type: ignore[arg-type]
    if op in (ops.MAX_REPEAT, ops.MIN_REPEAT):
        least, _, item = argument
        return _of_sequence(item) if least else []
    if op is ops.IN and all(kind is ops.LITERAL for kind, _ in argument):
        return [frozenset(chr(character) for _, character in argument)]
    return []
