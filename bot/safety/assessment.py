"""The rule: what a text, after earlier ones, says about danger to a life. Pure; words and contexts are the lexicon's."""

from collections.abc import Sequence
from functools import partial

from bot.safety.matching import Found, Guard, Kind, Lexicon
from bot.safety.models import CALM, Assessment, Level, Signal, Subject
from bot.safety.text import PlainText

_SENTENCE_ENDS = "。！？\n"
_WINDOW = 24  # characters before and after a hit that a local guard sees
_SUBJECT_GAP = 6  # between a person and what that person wants, in the same clause
_RECENT = 6  # earlier texts that count
_SPLIT_LENGTH = 12  # only short texts are pieces of a sentence sent in parts
_SPLIT_PIECES = 3
_HEAVY_BEFORE = 2  # yellow texts before a yellow one that together make orange
_CUES_THAT_RAISE = frozenset({"time", "place", "means"})


def assess(text: str, recent: Sequence[str], lexicon: Lexicon) -> Assessment:
    """What `text` says, heard after `recent` (the same student's earlier texts, oldest first; may be empty).

    The earlier texts can raise the level (a word sent in pieces, a heavy text after heavy ones, a time or a place after
    a wish to die), never lower it. Levels as in bot.safety.models. Level NONE with signals means: a circumstance (今晚, 天台)
    that only earlier texts could make grave. Never raises, whatever the text.
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
    signals = [signal for hit in found if (signal := _weigh(hit, plain, lexicon)) is not None]
    wishes = [hit for hit in signals if hit.level is Level.ORANGE and hit.category in ("wish_to_die", "self_harm")]
    cues = [signal for signal in signals if signal.level is Level.NONE and signal.category in _CUES_THAT_RAISE]
    if wishes and any(cue.category != "time" for cue in cues):
        first = wishes[0]
        signals.append(Signal("plan", first.term, Level.RED, first.start, first.end, first.subject))
    return signals


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
    return Signal(meaning.category, plain.text[hit.start : hit.end], level, start, end, subject)


def _applies(guard: Guard, hit: Found, text: str) -> bool:
    if guard.hit and not guard.hit.search(text, hit.start, hit.end):
        return False
    if guard.before and not guard.before.search(text[max(0, hit.start - _WINDOW) : hit.start]):
        return False
    if guard.after and not guard.after.match(text[hit.end : hit.end + _WINDOW]):
        return False
    if guard.whole and not guard.whole.search(text):
        return False
    if guard.sentence or guard.unless:
        sentence = text[_sentence_start(text, hit.start) : _sentence_end(text, hit.end)]
        if guard.sentence and not guard.sentence.search(sentence):
            return False
        if guard.unless and guard.unless.search(sentence):
            return False
    return True


def _sentence_start(text: str, position: int) -> int:
    return max(text.rfind(mark, 0, position) for mark in _SENTENCE_ENDS) + 1


def _sentence_end(text: str, position: int) -> int:
    ends = [place for mark in _SENTENCE_ENDS if (place := text.find(mark, position)) >= 0]
    return min(ends, default=len(text))


def _about_another(hit: Found, text: str, lexicon: Lexicon) -> bool:
    """True if the one in danger is somebody else: the nearest person before the hit, or who is reported to say it."""
    persons = lexicon.persons
    if persons.after.match(text[hit.end : hit.end + _WINDOW]):
        return True
    before = text[_sentence_start(text, hit.start) : hit.start]
    own = text[hit.start : hit.end]
    if persons.worry.search(before):
        return True
    if hit.meaning.category != "goodbye" and persons.other.search(own) and not persons.self_.search(own):
        return True
    others = list(persons.other.finditer(before))
    if not others:
        return False
    last = others[-1]
    myself = [match.start() for match in persons.self_.finditer(before) if match.start() > last.start()]
    if persons.reported.search(before, others[0].start()) and not persons.self_.search(before, last.end() + 1):
        return True
    if myself or persons.self_.match(own):
        return persons.reported.search(before[last.start() :]) is not None and not persons.self_.match(own)
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
        added.append(Signal("accumulation", "", Level.RED))
    elif level is Level.YELLOW and sum(before >= Level.YELLOW for before in earlier) >= _HEAVY_BEFORE:
        added.append(Signal("accumulation", "", Level.ORANGE))
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
        Signal("split", signal.term, signal.level, 0, 0, signal.subject)
        for signal in _signals(joined, lexicon)
        if signal.level >= Level.ORANGE and signal.start < boundary < signal.end
    ]
