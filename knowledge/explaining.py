"""Why the knowledge base decided as it did, for those who look after the entries. Chinese texts; nothing is decided."""

from collections.abc import Iterator

from knowledge.base import KnowledgeBase
from knowledge.decisions import Abstain, Answer, Decision, Hit
from knowledge.scoring import shares

_CHANNELS = {"c": "字", "p": "音", "w": "词"}
_PARTS = {
    "bias": "起点",
    "learned": "学到的",
    "ahead": "领先别的主题",
    "outside": "像不归我们管的话",
    "known": "认得的部分",
}
_SHOWN = 8


def explain(decision: Decision) -> str:
    """The decision and what led to it, in one line an entry."""
    if isinstance(decision, Abstain):
        head = f"none {decision.score:.2f}"
    else:
        head = f"{'answer' if isinstance(decision, Answer) else 'suggest'} {decision.score:.2f}"
    return "\n   ".join([head, *map(_line, _hits(decision))])


def explain_fully(text: str, decision: Decision, base: KnowledgeBase) -> str:
    """The same, and below each entry what its score is made of and which features of `text` speak for its topic."""
    lines = [explain(decision).partition("\n")[0]]
    for hit in _hits(decision):
        lines += [_line(hit), *(f"   {line}" for line in _details(text, hit, base))]
    return "\n   ".join(lines)


def _hits(decision: Decision) -> tuple[Hit, ...]:
    if isinstance(decision, Abstain):
        return (decision.nearest,) if decision.nearest else ()
    return decision.hits


def _line(hit: Hit) -> str:
    parts = " ".join(f"{name}={value:.2f}" for name, value in hit.parts.items()) or "同一句"
    asked = f" 分项 {' '.join((*hit.facets, *hit.cases))}" if hit.facets or hit.cases else ""
    return f"{hit.entry_id} {hit.score:.2f} {parts} 近似“{hit.variant}”{asked}"


def _details(text: str, hit: Hit, base: KnowledgeBase) -> Iterator[str]:
    if hit.parts:
        added = sorted(shares(hit.parts).items(), key=lambda pair: -abs(pair[1]))
        yield "得分由来（对数几率）：" + "，".join(f"{_PARTS.get(name, name)} {value:+.2f}" for name, value in added)
    else:
        yield "得分由来：和条目里的一句一模一样，或接着上一条问"
    yield f"最像的一句：“{hit.variant or hit.title}”"
    telling = base.why(text, hit.topic)
    yield "最支持它的：" + (_features(pair for pair in telling[:_SHOWN] if pair[1] > 0) or "没有")
    yield "最反对它的：" + (_features(pair for pair in telling[::-1][:_SHOWN] if pair[1] < 0) or "没有")


def _features(shown: Iterator[tuple[str, float]]) -> str:
    return "，".join(f"{_CHANNELS[name[0]]}“{name[1:]}” {share:+.2f}" for name, share in shown)
