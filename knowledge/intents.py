"""What a question asks *about* its topic: facets, numbers picked, two questions in one. Patterns on normalised text."""

import re
from functools import lru_cache

from knowledge.text import STOP

_FACET_PATTERNS: dict[str, tuple[str, ...]] = {
    "materials": (
        r"带(?:些|点|上)?(?:什么|啥|哪些|东西)",
        r"带.{0,6}(?:原件|复印件|身份证|证件)",
        r"(?:什么|啥|哪些|哪几样|几样)(?:材料|证件|东西|资料|手续)",
        r"材料(?:清单)?(?:是|有|要|需要)",
        r"(?:需要|要|得|应该)?准备(?:些|点)?(?:什么|啥|哪些)",
        r"材料$",
        r"需要.{0,4}(?:身份证|原件|复印件)",
    ),
    "agent": (
        r"代办",
        r"代领",
        r"代取",
        r"代签",
        r"代交",
        r"代为",
        r"(?:别人|室友|同学|朋友|家长|家人|父母|爸妈|我妈|我爸|他人|人)(?:可以|能|来|去)?(?:帮|替|代)",
        r"(?:帮|替)(?:我|忙)?(?:办|领|取|弄|交|拿|签)",
        r"委托",
        r"(?:要|得|必须|需要|非得|一定要|要不要)?(?:我)?(?:本人|亲自)",
        r"不在(?:学校|北京|校)",
        r"人在外地",
        r"远程",
    ),
    "late": (
        r"逾期",
        r"过期",
        r"超期",
        r"超时",
        r"过了(?:时间|期限|日期|截止)",
        r"晚了",
        r"迟了",
        r"没赶上",
        r"错过",
        r"忘了?(?:办|交|转|领|弄|还|确认|登记)",
        (
            r"(?:不|没|没有)(?:办|转|交|领|弄|还|去|登记|确认|管|迁|填)"
            r"(?=.{0,4}(?:会怎|会咋|怎么样|怎样|有什么|有啥|影响|后果|行吗|可以吗|会被|怎么办|咋办))"
        ),
        r"后果",
        r"来不及",
        r"有(?:什么|啥)?影响",
        r"填错",
        r"办错",
        r"弄错",
        r"写错",
        r"会怎(?:么样|样)",
    ),
    "cost": (
        r"多少钱",
        r"要钱",
        r"花钱",
        r"收费",
        r"收钱",
        r"费用",
        r"免费",
        r"手续费",
        r"交钱",
        r"付费",
        r"几块钱",
        r"多少费",
        r"[掏花赔交](?:多少|几)",
    ),
    "check": (
        r"怎么(?:查|看|知道|确认)(?!材料)",
        r"咋(?:查|看|知道)",
        r"查询",
        r"进度",
        r"办好(?:了)?没",
        r"到(?:了)?没(?:有)?",
        r"成功(?:了)?(?:没|吗)",
        r"怎么才算",
        r"收到(?:了)?(?:没|吗)",
    ),
    "contact": (
        r"(?:联系|找|问|打给|咨询)(?:哪个|哪位|谁|什么)(?:部门|老师|人|单位)?",
        r"电话",
        r"联系方式",
        r"哪个(?:部门|老师|办公室|单位)(?:管|负责|办)",
        r"归谁",
        r"谁负责",
        r"谁管",
    ),
    "where": (
        r"在(?:哪|什么地方|啥地方)",
        r"(?:去|到|上)(?:哪|什么地方|啥地方)",
        r"哪(?:里|儿|边|个地方|个窗口)?(?:办|弄|交|领|取|盖章|去|查|登录|填|登记|看|开|打印|转|迁)",
        r"地点",
        r"地址(?:是|在)?(?:什么|哪里|哪|多少)?$",
        r"几号楼",
        r"几楼",
        r"什么(?:网站|系统|平台|网址)",
        r"网址",
        r"哪个(?:网站|系统|平台)",
    ),
    "when": (
        r"什么时[候间]",
        r"啥时候?",
        r"何时",
        r"多久(?:能|可以|才能)?(?:办好|办完|办下来|下来|拿到|完成)?",
        r"几号",
        r"几点",
        r"几月",
        r"哪[天日个]天?(?:办|开始|截止)",
        r"哪天",
        r"多长时间",
        r"多少天",
        r"几天",
        r"几个?月",
        r"几年",
        r"几个?小时",
        r"多久",
        r"截[止至]",
        r"时间(?:是|点|安排|呢|$)",
        r"最晚",
        r"最迟",
        r"开门",
        r"上班",
        r"下班",
        r"周末",
        r"周[六日]",
        r"ddl",
        r"期限",
        r"有效期",
    ),
    "who": (
        r"谁(?:要|需要|得)",
        r"哪些人",
        r"什么人",
        r"(?:都|每个人|所有人|人人)(?:要|得|需要)",
        r"(?:我|我们)?(?:需要|要不要|用不用|必须|一定要|非得)(?:办|转|弄|去|交|登记|迁|确认|做)吗?",
    ),
    "how": (
        r"怎么(?:办|弄|做|操作|填|申请|搞|走|整|转|迁)",
        r"咋(?:办|弄|做|整|搞|填|操作)",
        r"如何(?:办|做|操作|申请|填)",
        r"流程",
        r"步骤",
        r"具体(?:怎么|呢|说说)?",
        r"详细",
    ),
}
_FACETS = re.compile("|".join(f"(?P<{facet}>{'|'.join(patterns)})" for facet, patterns in _FACET_PATTERNS.items()))
_NUMBER = re.compile(
    r"(?:我)?(?:想)?(?:选|要|看|回复|选择|就)?(?:第)?(?P<digit>[1-9一二两三四五六七八九])(?:个|号|条|项|吧|那个)*"
)
_DIGITS = {"一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9}
_ASKS = re.compile(
    r"怎|咋|吗|呢|什么|啥|哪|多少|多久|几|如何|可以|是否|有没有|能否|谁|何时|还能|办$|电话"
    r"|(.)[不没]\1|[不没](?:了|啊|呀)?$|[成行]不|想|求|帮我|给我|查不到|登不上|打不开|找不[着到]|没收到|丢了|不见了|忘了"
)
_CLAUSES = 8
_REMEMBERED = 1024
_FRAME = re.compile(rf"^(?:现在|那么?|然后|还有|另外|顺便|再问|对了|哦|好的?|嗯|{STOP})+")
_LEANS = re.compile(
    rf"^.{{1,7}}(?:的|的话|的情况)呢?{STOP}?$|呢$|^[^{STOP}]{{1,7}}也[^{STOP}]{{0,9}}$|^(?:换成|如果是|要是)[^{STOP}]{{1,6}}$"
)
_JOINED = re.compile(r"(?:另外|还有就是|还有|以及|顺便|然后|再就是|同时|并且|对了)(?!没)")


@lru_cache(maxsize=_REMEMBERED)
def _asked(normalised: str) -> tuple[tuple[int, int, str], ...]:
    """Where a text asks for a facet: from, to, which."""
    found = _FACETS.finditer(normalised)
    return tuple([(match.start(), match.end(), match.lastgroup) for match in found if match.lastgroup])


def facets(normalised: str) -> tuple[str, ...]:
    """The facets asked for, in order, each once; `how` only where nothing more particular is asked."""
    found = dict.fromkeys(facet for _, _, facet in _asked(normalised))
    if len(found) > 1:
        found.pop("how", None)
    return tuple(found)


def without_facets(normalised: str) -> str:
    """What is left of a question when the words that ask for a facet are taken out."""
    left, done = [], 0
    for start, end, _ in _asked(normalised):
        left.append(normalised[done:start])
        done = end
    return " ".join([*left, normalised[done:]]).strip()


def number(normalised: str) -> int | None:
    """The number picked (1 to 9) where the text is nothing but a number, as in 1, 一, 第一个, 选1."""
    match = _NUMBER.fullmatch(normalised)
    if match is None:
        return None
    digit = match["digit"]
    return _DIGITS.get(digit) or int(digit)


@lru_cache(maxsize=_REMEMBERED)
def asks(normalised: str) -> bool:
    """Whether the text is a question rather than a remark."""
    return _ASKS.search(normalised) is not None


def without_frame(normalised: str) -> str:
    """The text without the words that only tie it to what was said before (那…, 还有…)."""
    return _FRAME.sub("", normalised)


def leans(normalised: str) -> bool:
    """Whether the text is only half of a question, as 考研的呢, 出国的话 and 党员也一样吗."""
    return _LEANS.search(normalised) is not None


@lru_cache(maxsize=_REMEMBERED)
def clauses(normalised: str) -> tuple[str, ...]:
    """The parts of a text that may each be a question of its own; at most the first eight."""
    parts = [without_frame(part) for part in _JOINED.sub(STOP, normalised).split(STOP)]
    return tuple([part for part in parts if part][:_CLAUSES])
