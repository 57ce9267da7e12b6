"""The account's menu: what the platform would refuse, and what is different there."""

from copy import deepcopy
from typing import Any

import pytest

from bot.wechat.menus import differences, find_faults, menu_lines
from handlers.menu import MENU

FIRST, _, LAST = SIZES = [len(button["sub_button"]) for button in MENU["button"]]
ALL = sum(SIZES)


def changed(*path: Any, **values: Any) -> dict[str, Any]:
    """The menu with other values at a place."""
    menu = deepcopy(MENU)
    place: Any = menu
    for step in path:
        place = place[step]
    place.update(values)
    return menu


def as_the_platform_gives_it() -> dict[str, Any]:
    """With an empty sub_button at each leaf, and the fields in another order."""
    menu = deepcopy(MENU)
    for button in menu["button"]:
        button["sub_button"] = [dict(reversed([*one.items(), ("sub_button", [])])) for one in button["sub_button"]]
    return menu


def test_ours_would_be_taken_and_is_the_same_when_read_back():
    assert find_faults(MENU) == []
    assert differences(MENU, as_the_platform_gives_it()) == []


@pytest.mark.parametrize(
    ("menu", "fault"),
    [
        ({"button": []}, "一级菜单有 0 个，应为 1–3 个"),
        ({}, "一级菜单有 0 个"),
        ({"button": MENU["button"] * 2}, "一级菜单有 6 个"),
        (changed("button", 0, name="离校办理手续"), "名称“离校办理手续”有 18 字节，应为 1–16 字节"),
        (changed("button", 0, "sub_button", 0, name=""), "名称“”有 0 字节"),
        (
            changed("button", 0, sub_button=MENU["button"][0]["sub_button"] * 2),
            f"“离校办理”下面有 {2 * FIRST} 个，最多 5 个",
        ),
        (changed("button", 0, "sub_button", 0, key="问" * 43), "“离校手续”的 key 有 129 字节"),
        (changed("button", 0, "sub_button", 0, type="view"), "“离校手续”的 url 有 0 字节"),
        (changed("button", 0, "sub_button", 0, type=""), "“离校手续”没有写 type"),
    ],
)
def test_each_fault_is_named(menu: dict[str, Any], fault: str):
    (found,) = find_faults(menu)
    assert fault in found


@pytest.mark.parametrize(
    ("there", "lines"),
    [
        ({"button": []}, ALL),
        (changed("button", 0, name="办离校"), 2 * FIRST),
        (changed("button", 0, "sub_button", 1, key="ask:别的"), 1),
        ({"button": MENU["button"][::-1]}, 1),
        ({"button": [*MENU["button"][:2], {"type": "click", "name": "一个", "key": "k"}]}, LAST + 1),
    ],
)
def test_every_difference_is_a_line(there: dict[str, Any], lines: int):
    assert len(differences(MENU, there)) == lines


def test_a_difference_says_what_is_there_and_what_should_be():
    (line,) = differences(MENU, changed("button", 0, "sub_button", 1, key="ask:别的"))
    assert line == "不一样：离校办理 › 退宿　平台上是 click ask:别的，应为 click ask:退宿要办什么"
    (line,) = differences(MENU, {"button": MENU["button"][::-1]})
    assert line.startswith("顺序不一样：平台上是 找人帮忙 › ")


def test_a_list_to_read():
    lines = list(menu_lines(MENU))
    assert lines[:2] == ["离校办理", "  离校手续　click ask:离校手续怎么办"]
    assert "  订阅提醒　click subscribe" in lines
    assert list(menu_lines({"button": [{"type": "view", "name": "网站", "url": "https://a.b"}]})) == [
        "网站　view https://a.b"
    ]
