"""The knowledge base: entries in, decisions out, and what a conversation remembers. No files, no texts for students."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from knowledge import intents
from knowledge.artifact import keep, key_of
from knowledge.deciding import SMALL_TALK, SUGGESTED, Decider, hit_of
from knowledge.decisions import Abstain, Answer, Context, Decision, Hit, Suggestions
from knowledge.doubles import Pair, pairs
from knowledge.entry import Entry, Example, School
from knowledge.following import Follower
from knowledge.model import Model
from knowledge.ranking import Ranker
from knowledge.readings import Reading, Readings
from knowledge.scoring import Thresholds
from knowledge.text import fold, strip_fillers
from knowledge.tokens import Segmenter
from knowledge.training import learn, own_questions

_REMEMBERED = 2048


def keep_model(
    entries: Sequence[Entry],
    questions: Mapping[str, Sequence[str]],
    segmenter: Segmenter,
    talk: Sequence[Example],
    folder: Path,
) -> tuple[str, Model]:
    """What is learnt from these, whatever their order, and its name in `folder`; learnt now if it is not there."""
    asked = [(entry.id, own_questions(entry)) for entry in sorted(entries, key=lambda entry: entry.id)]
    key = key_of(asked, sorted(questions.items()), sorted(talk), segmenter.content)
    return key, keep(folder, key, lambda: learn(entries, questions, segmenter, talk))


class KnowledgeBase:
    """An immutable set of entries that can be asked. Safe to share between threads; replace it whole to publish."""

    def __init__(
        self, entries: Sequence[Entry], school: School, segmenter: Segmenter, ranker: Ranker, thresholds: Thresholds
    ) -> None:
        """Use `build`."""
        self.entries = {entry.id: entry for entry in entries}
        self._topics = {entry.topic: entry for entry in reversed(entries)}  # the first of each
        self.school = school
        self._ranker = ranker
        self._segmenter = segmenter
        self._decider = Decider(self.entries, segmenter, ranker, thresholds)
        self._written = lru_cache(maxsize=_REMEMBERED)(self._fold)
        self._related = lru_cache(maxsize=_REMEMBERED)(self._list_related)
        self._readings = Readings(segmenter, ranker)
        self._follower = Follower(self.find_entry, segmenter, ranker, self._decider, self._readings)

    @classmethod
    def build(
        cls,
        entries: Iterable[Entry],
        school: School | None = None,
        *,
        questions: Mapping[str, Sequence[str]] | None = None,
        talk: Sequence[Example] = (),
        segmenter: Segmenter | None = None,
        thresholds: Thresholds | None = None,
        model_folder: Path | None = None,
        model: Model | None = None,
    ) -> "KnowledgeBase":
        """A base over `entries`, in whatever order they come; ready to answer when this returns.

        `questions` are further questions by topic, those of OUT_OF_SCOPE to be refused; `talk` are examples of what is
        said after answers, and of two questions in one text. What is learnt from all of them (half a minute or more) is
        kept in `model_folder` if there is one; who has the `model` already gives it instead. Without `segmenter` one is
        made without a domain dictionary, which takes about 0.7 s.
        """
        ordered = sorted(entries, key=lambda entry: entry.id)
        questions = questions or {}
        segmenter = segmenter or Segmenter()
        if model is None and model_folder is not None:
            _, model = keep_model(ordered, questions, segmenter, talk, model_folder)
        model = model or learn(ordered, questions, segmenter, talk)
        ranker = Ranker(ordered, segmenter, model)
        return cls(ordered, school or School(), segmenter, ranker, thresholds or Thresholds())

    def find_entry(self, entry_id: str) -> Entry | None:
        """The entry with this id, or the first of that topic."""
        return self.entries.get(entry_id) or self._topics.get(entry_id)

    def get_entry(self, entry_id: str) -> Entry:
        """The entry with this id, or the first of that topic. Raises KeyError."""
        entry = self.find_entry(entry_id)
        if entry is None:
            raise KeyError(entry_id)
        return entry

    def ask(self, text: str, context: Context | None = None, *, now: datetime | None = None) -> Decision:
        """What to say to `text`. Never raises, whatever the text is.

        `context` is what `remember` returned for the same conversation; with `now` it is forgotten after 30 minutes.
        """
        folded, plain = self._written(text)
        context = (context or Context()).at(now)
        if picked := intents.number(plain):
            return self._pick(picked, context) if context.suggestions else Abstain()
        if context.topic and (followed := self._follower.follow(plain, context.topic)):
            return followed
        decision = self._decider.decide(plain)
        if isinstance(decision, Abstain) and plain != folded:
            polite = self._decider.decide(folded)
            return polite if isinstance(polite, Answer) and polite.topic.startswith(SMALL_TALK) else decision
        return decision

    def remember(self, decision: Decision, previous: Context | None, now: datetime) -> Context:
        """The context after `decision`: nothing found leaves the previous one as it was."""
        if isinstance(decision, Abstain):
            return previous or Context()
        if isinstance(decision, Suggestions):
            return Context(previous.topic if previous else "", tuple(hit.entry_id for hit in decision.hits), now)
        related = tuple(entry.id for entry in self.related(decision))
        return Context(decision.hits[-1].entry_id, related, now)

    def related(self, answer: Answer) -> tuple[Entry, ...]:
        """Up to three entries to go on with after an answer, in the order of their numbers.

        First what may have been meant instead, then what the answered entries name as related.
        """
        return self._related(tuple([hit.entry_id for hit in answer.hits]), answer.others)

    def _list_related(self, answered: tuple[str, ...], others: tuple[str, ...]) -> tuple[Entry, ...]:
        """Call as `_related`, which remembers."""
        named = (other for entry_id in answered for other in self.entries[entry_id].related)
        found = (self.find_entry(other) for other in dict.fromkeys((*others, *named)) if other not in answered)
        return tuple(entry for entry in found if entry is not None)[:SUGGESTED]

    def rank(self, text: str) -> Sequence[Hit]:
        """The topics nearest to `text`, best first, with the parts of their scores; nothing is decided yet."""
        return self._ranker.rank(self._written(text)[1])

    def pairs(self, text: str) -> Sequence[Pair]:
        """Each way to read `text` as two questions, with the signs for it; nothing is decided yet."""
        return pairs(self._written(text)[1], self._ranker, self._segmenter)

    def readings(self, text: str, last: Entry) -> Sequence[Reading]:
        """All that `text` may mean after `last` was answered, with the signs, likeliest first; nothing is decided."""
        framed = intents.without_frame(self._written(text)[1])
        return self._readings.of(framed, last)

    def why(self, text: str, topic: str) -> list[tuple[str, float]]:
        """The features of `text` that speak most for `topic`, with their shares of what was learnt, largest first."""
        return self._ranker.why(self._written(text)[1], topic)

    def _fold(self, text: str) -> tuple[str, str]:
        """Call as `_written`, which remembers. The text folded; and that without what only fills, spelt right."""
        folded = fold(text)
        return folded, self._ranker.spell(strip_fillers(folded))

    def _pick(self, picked: int, context: Context) -> Decision:
        offered = [self.find_entry(one) for one in context.suggestions]
        if picked <= len(offered) and (chosen := offered[picked - 1]) is not None:
            return Answer((hit_of(chosen, 1.0),))
        entries = [entry for entry in offered if entry is not None]  # one may have been taken back since
        return Suggestions(tuple(hit_of(entry, 0.0) for entry in entries)) if entries else Abstain()
