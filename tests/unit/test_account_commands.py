"""Which words mean 绑定, 解绑, 我的数据 and 删除我的数据, and which mean something else."""

import pytest

from handlers.binding import _BIND, _UNBIND
from handlers.confirmation import plain
from handlers.privacy import _ERASE, _SHOW


class Said:
    """A turn, as far as `plain` looks at it."""

    def __init__(self, words: str) -> None:
        self.words = words


PATTERNS = {"bind": _BIND, "unbind": _UNBIND, "show": _SHOW, "erase": _ERASE}


def meant(words: str) -> list[str]:
    return [name for name, pattern in PATTERNS.items() if pattern.fullmatch(plain(Said(words)))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("绑定", "bind"),
        ("我要绑定", "bind"),
        ("怎么绑定学号？", "bind"),
        ("绑定 K7QM3-XH9PD", "bind"),
        ("绑定：ｋ７ｑｍ３－ｘｈ９ｐｄ。", "bind"),
        ("  绑定学号 2023001", "bind"),
        ("解绑", "unbind"),
        ("我想解除绑定", "unbind"),
        ("我的数据", "show"),
        ("查看我的个人信息", "show"),
        ("你们存了我什么？", "show"),
        ("你存了哪些数据", "show"),
        ("删除我的数据", "erase"),
        ("帮我清空聊天记录吧", "erase"),
        ("注销我的账号", "erase"),
    ],
)
def test_commands_are_understood(words: str, meaning: str):
    assert meant(words) == [meaning]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "绑定银行卡安全吗",
        "学信网绑定手机号换了怎么办",
        "解绑校园卡要去哪",
        "我的信息填错了怎么改",
        "数据",
        "注销校园贷",
        "删除",
        "我的档案",
        "不想绑定，我好累",
        "绑定不了，我想死",
    ],
)
def test_other_things_are_left_to_others(words: str):
    assert meant(words) == []


def test_long_texts_are_no_commands():
    """A pattern that tries every split of thousands of spaces would hold up everybody's messages for hours."""
    assert plain(Said("绑定" + " " * 2000 + "x谢")) == ""  # type: ignore[arg-type]
    assert plain(Said(" " * 2000 + "绑定" + " " * 2000)) == "绑定"  # type: ignore[arg-type]
