"""The rule: what a text, after earlier ones, says about danger to a life. Pure; the words are the lexicon's."""

import re
from collections.abc import Sequence
from functools import partial

from bot.safety.matching import Found, Guard, Kind, Lexicon, Persons
from bot.safety.models import CALM, Assessment, Level, Signal, Subject
from bot.safety.text import PlainText

_SENTENCE_ENDS = "。！？\n"
_SENTENCE_REACH = 60  # characters of a sentence without an end that still belong to the hit
_MOST_HITS = 60  # a text of nothing but alarming words is not read to its end
_WINDOW = 24  # characters before and after a hit that a local guard sees
_SUBJECT_GAP = 6  # between a person and what that person wants, in the same clause
_RECENT = 6  # earlier texts that count
_SPLIT_LENGTH = 12  # only short texts are pieces of a sentence sent in parts
_SPLIT_PIECES = 3
_HEAVY_BEFORE = 2  # yellow texts before a yellow one that together make orange
_RETOLD = re.compile(r"(?:跟|和|对|给|向|告诉|问)我?[^，。]{0,4}(?:说|讲|发|聊|提|告诉|哭)|告诉我|问我")  # 室友跟我说……
# what names the person in danger inside its own words; a goodbye names those who are left
_ABOUT_WHOM_IT_NAMES = frozenset({"wish_to_die", "passive_wish", "self_harm", "method", "attempt", "danger_now"})
_CUES_THAT_RAISE = frozenset({"time", "place", "means"})


def assess(text: str, recent: Sequence[str], lexicon: Lexicon) -> Assessment:
    """What `text` says, heard after `recent` (the same student's earlier texts, oldest first; may be empty).

    The earlier texts can raise the level (a word sent in pieces, a heavy text after heavy ones, a time or a place after
    a wish to die), never lower it. Levels as in bot.safety.models. Level NONE with signals means: a circumstance
    (今晚, 天台) that only earlier texts could make grave. Never raises, whatever the text.
    """
    signals = _signals(lexicon.normalise(text), lexicon)
    level = _level(signals)
    if recent and level < Level.RED:
        signals = signals + _from_before(text, signals, level, recent[-_RECENT:], lexicon)
        level = _level(signals)
    if not signals:
        return CALM
    gravest = [signal for signal in signals if signal.level is level]
    subject: Subject = "self" if any(signal.subject == "self" for signal in gravest) else "other"
    return Assessment(level, tuple(signals), subject)


def _level(signals: Sequence[Signal]) -> Level:
    return max((signal.level for signal in signals), default=Level.NONE)


def _signals(plain: PlainText, lexicon: Lexicon) -> list[Signal]:
    """Signals of one text, circumstances among them; a wish with a time, a place or a means at hand is a plan."""
    found = lexicon.find(plain.text)
    if not found:
        return []
    if len(found) > _MOST_HITS:
        found = found[: _MOST_HITS // 2] + found[-_MOST_HITS // 2 :]
    signals = _widest([signal for hit in found if (signal := _weigh(hit, plain, lexicon)) is not None])
    wishes = [hit for hit in signals if hit.level is Level.ORANGE and hit.category in ("wish_to_die", "self_harm")]
    cues = [signal for signal in signals if signal.level is Level.NONE and signal.category in _CUES_THAT_RAISE]
    if wishes and any(cue.category != "time" for cue in cues):
        first = wishes[0]
        signals.append(Signal("plan", first.term, Level.RED, first.start, first.end, first.subject, "wish+cue"))
    return signals


def _widest(signals: list[Signal]) -> list[Signal]:
    """Without what another signal of the same category and level says in more words."""
    if len(signals) == 1:
        return signals
    return [
        signal
        for i, signal in enumerate(signals)
        if not any(
            (other.category, other.level, other.subject) == (signal.category, signal.level, signal.subject)
            and other.start <= signal.start
            and signal.end <= other.end
            and (other.end - other.start > signal.end - signal.start or k < i)
            for k, other in enumerate(signals)
            if k != i
        )
    ]


def _weigh(hit: Found, plain: PlainText, lexicon: Lexicon) -> Signal | None:
    """The hit as a signal at the level its surroundings leave it; None if they leave nothing."""
    meaning = hit.meaning
    if meaning.kind is Kind.HARMLESS:
        return None
    level = meaning.level
    if level is not Level.NONE:
        for guard in lexicon.guards[meaning.kind]:
            if guard.lowers_to < level and _applies(guard, hit, plain.text):
                level = guard.lowers_to
                if level is Level.NONE:
                    return None
    start, end = plain.span(hit.start, hit.end)
    subject: Subject = "other" if meaning.other or _about_another(hit, plain.text, lexicon) else "self"
    return Signal(meaning.category, plain.text[hit.start : hit.end], level, start, end, subject, hit.rule)


def _applies(guard: Guard, hit: Found, text: str) -> bool:
    if guard.hit and not guard.hit.search(text[hit.start : hit.end]):
        return False
    if guard.before and not guard.before.search(text[max(0, hit.start - _WINDOW) : hit.start]):
        return False
    if guard.after and not guard.after.match(text[hit.end : hit.end + _WINDOW]):
        return False
    if guard.whole and not guard.whole.search(text):
        return False
    return not (guard.sentence or guard.unless) or _fits_sentence(guard, hit, text)


def _fits_sentence(guard: Guard, hit: Found, text: str) -> bool:
    sentence = text[_sentence_start(text, hit.start) : _sentence_end(text, hit.end)]
    if guard.sentence and not guard.sentence.search(sentence):
        return False
    return not (guard.unless and guard.unless.search(sentence))


def _sentence_start(text: str, position: int) -> int:
    reach = max(0, position - _SENTENCE_REACH)
    return max(reach, *(text.rfind(mark, reach, position) + 1 for mark in _SENTENCE_ENDS))


def _sentence_end(text: str, position: int) -> int:
    reach = min(len(text), position + _SENTENCE_REACH)
    ends = [place for mark in _SENTENCE_ENDS if (place := text.find(mark, position, reach)) >= 0]
    return min(ends, default=reach)


def _about_another(hit: Found, text: str, lexicon: Lexicon) -> bool:
    """True if the one in danger is somebody else: the nearest person before the hit, or who is reported to say it."""
    persons = lexicon.persons
    before = text[_sentence_start(text, hit.start) : hit.start]
    own = text[hit.start : hit.end]
    if persons.after.match(text[hit.end : hit.end + _WINDOW]) or persons.worry.search(before):
        return True
    says_me = persons.self_.search(own) is not None
    if not says_me and hit.meaning.category in _ABOUT_WHOM_IT_NAMES and persons.other.search(own):
        return True
    others = list(persons.other.finditer(before))
    return bool(others) and _is_subject(others, before, own, persons)


def _is_subject(others: Sequence[re.Match[str]], before: str, own: str, persons: Persons) -> bool:
    """True if one of these persons, named before the hit, is the one who wants, does or says it."""
    last = others[-1]
    reported = persons.reported.search(before, others[0].end())
    if persons.self_.match(own):  # 室友说我… is about me as often as not; the writer comes first
        return False
    if persons.self_.search(before, last.end()):
        return reported is not None and _RETOLD.search(before[last.end() :]) is not None
    if reported is not None:
        return True
    gap = before[last.end() :]
    return len(gap) <= _SUBJECT_GAP and not persons.not_subject.search(gap)


def _from_before(
    text: str, signals: list[Signal], level: Level, recent: Sequence[str], lexicon: Lexicon
) -> list[Signal]:
    """What the earlier texts add to this one."""
    added = _split_over_messages(text, recent, lexicon)
    cues = [signal for signal in signals if signal.category in _CUES_THAT_RAISE]
    if not cues and level is not Level.YELLOW:
        return added
    earlier = list(map(partial(_own_level, lexicon=lexicon), recent))
    if cues and any(before >= Level.ORANGE for before in earlier):
        added.append(Signal("accumulation", "", Level.RED, rule="cue after wish"))
    elif level is Level.YELLOW and sum(before >= Level.YELLOW for before in earlier) >= _HEAVY_BEFORE:
        added.append(Signal("accumulation", "", Level.ORANGE, rule="heavy after heavy"))
    return added


def _own_level(text: str, lexicon: Lexicon) -> Level:
    return _level([signal for signal in _signals(lexicon.normalise(text), lexicon) if signal.subject == "self"])


def _split_over_messages(text: str, recent: Sequence[str], lexicon: Lexicon) -> list[Signal]:
    """Signals that only appear when the last short texts are read as one."""
    if len(text) > _SPLIT_LENGTH:
        return []
    pieces = [text]
    for earlier in reversed(recent[-_SPLIT_PIECES:]):
        if len(earlier) > _SPLIT_LENGTH:
            break
        pieces.insert(0, earlier)
    if len(pieces) == 1:
        return []
    joined = lexicon.normalise("".join(pieces))
    boundary = len("".join(pieces)) - len(text)
    return [
        Signal("split", signal.term, signal.level, 0, 0, signal.subject, "split")
        for signal in _signals(joined, lexicon)
        if signal.level >= Level.ORANGE and signal.start < boundary < signal.end
    ]
