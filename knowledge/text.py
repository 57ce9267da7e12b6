"""Normalising what people write: width, case, traditional characters, marks, emoji, polite fillers. No words yet."""

import re
import unicodedata

from opencc import OpenCC

LENGTH_LIMIT = 2000
STOP = "，"
"""The one mark that every sentence mark becomes."""

_TO_SIMPLIFIED = OpenCC("t2s")
_AND = frozenset("、/&+")
_STOPS = frozenset("。！？!?；;，,…\n\r~～")
_LATIN_EDGE = re.compile(r"(?<![a-z0-9]) | (?![a-z0-9])")
_PAUSE = re.compile(rf"(?<=[^ {STOP}]{{2}}[^a-z0-9 {STOP}]) (?=[^a-z0-9 {STOP}][^ {STOP}]{{2}})")
_STOP_RUN = re.compile(rf"{STOP}{{2,}}")
_FILLERS = re.compile(
    r"(?:老师|学长|学姐|同学)?(?:老师|学长|学姐|同学|亲|大家|小助手|你|您)们?(?:们)?(?:早上|上午|中午|下午|晚上)?[好呀嗨](?![像几])(?:呀|啊)?"
    r"|(?:我)?(?:还)?(?:想要?|要|来)?(?:请教|请问|咨询|麻烦问|问)(?:您|你|老师)?(?:一下子?|下|个问题|个事)(?:呀|啊)?"
    r"|(?:我)?(?:就)?想(?:要)?(?:知道|了解|问|请问)(?:一下|下)?|请问|求问|求助|跪求|求教|弱弱(?:地|的)?问"
    r"|麻烦(?:老师|您|你)|打扰(?:了|一下)|不好意思|在吗|在不在|(?:有)?(?:没有|没)?人知道|谁知道|有谁知道|知不知道|你知道"
    r"|急+(?=，|$)|^急+|在线等|谢谢(?:老师|您|你|啦|了)?|感谢(?:老师|您)?|多谢|拜托(?:了)?|hello|^hi(?![a-z])|哈喽|^嗨"
    r"|那个(?:啥|什么)?(?=，)|话说|顺便问(?:一)?下|呜+|哈{2,}|老师(?=，)|^老师(?=我|那|咱|这)|(?:学长|学姐)(?=，)"
)
_TAIL = re.compile(rf"[啊呀哦噢嘛哈啦哇呐捏嘞鸭{STOP}]+(?={STOP}|$)")


class _Characters(dict[int, str]):
    """Maps every code point to what is kept of it, remembering what it has seen."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        kept = " "
        if character in _STOPS:
            kept = STOP
        elif character in _AND:
            kept = "和"
        elif unicodedata.category(character)[0] in "LN":
            kept = character
        self[code] = kept
        return kept


_CHARACTERS = _Characters()


def fold(text: str) -> str:
    """`text` in one form: simplified, lower-case, half-width; sentence marks are `，`, joining ones `和`, others gone.

    A space between two runs of three characters or more is a sentence mark, too: on a phone it is easier than a comma.
    Never fails, whatever the characters are (lone surrogates and control characters included). At most 2,000 characters
    of `text` are read.
    """
    folded = unicodedata.normalize("NFKC", text[:LENGTH_LIMIT]).lower().translate(_CHARACTERS)
    if not folded.isascii():
        folded = _TO_SIMPLIFIED.convert(folded)
    folded = _LATIN_EDGE.sub("", _PAUSE.sub(STOP, " ".join(folded.split())))
    return _STOP_RUN.sub(STOP, folded).strip(STOP + " ")


def strip_fillers(folded: str) -> str:
    """`folded` without greetings, polite openings and trailing particles; unchanged where nothing would be left."""
    stripped = _FILLERS.sub("", folded)
    stripped = _STOP_RUN.sub(STOP, _TAIL.sub("", stripped)).strip(STOP + " ")
    return stripped or folded


def normalise(text: str) -> str:
    """What is compared: folded, without fillers."""
    return strip_fillers(fold(text))


def sentences(normalised: str) -> list[str]:
    """The parts of a normalised text between sentence marks."""
    return [part for part in normalised.split(STOP) if part]
