"""The account's menu on the platform: what it takes, what is there, and how that differs from ours."""

from collections.abc import Iterator, Mapping
from typing import Any

from bot.channel.errors import SendError
from bot.wechat.client import GatewayClient

_BUTTONS, _SUB_BUTTONS = 3, 5
_NAME_BYTES, _SUB_NAME_BYTES, _KEY_BYTES, _URL_BYTES = 16, 60, 128, 1024  # 自定义菜单创建接口
_NO_MENU = "46003"
_TARGETS = ("type", "key", "url", "appid", "pagepath", "media_id", "article_id")
Menu = Mapping[str, Any]


def read_menu(client: GatewayClient) -> Menu:
    """The menu that followers see, without a button if there is none. Raises SendError."""
    try:
        answer = client.menu.get()
    except SendError as error:
        if error.code == _NO_MENU:
            return {"button": []}
        raise
    menu = answer.get("menu", {})
    return menu if isinstance(menu, Mapping) else {"button": []}


def push_menu(client: GatewayClient, menu: Menu) -> list[str]:
    """The menu is on the platform; what was read back differs from it by the lines returned. Raises SendError."""
    client.menu.create(dict(menu))
    return differences(menu, read_menu(client))


def find_faults(menu: Menu) -> list[str]:
    """Why the platform would refuse the menu, a line for each fault."""
    buttons = menu.get("button") or []
    faults = [] if 1 <= len(buttons) <= _BUTTONS else [f"一级菜单有 {len(buttons)} 个，应为 1–{_BUTTONS} 个"]
    for button in buttons:
        below = button.get("sub_button") or []
        faults += _name_faults(button, _NAME_BYTES)
        if len(below) > _SUB_BUTTONS:
            faults.append(f"“{button.get('name')}”下面有 {len(below)} 个，最多 {_SUB_BUTTONS} 个")
        for one in below:
            faults += _name_faults(one, _SUB_NAME_BYTES)
        for one in below or [button]:
            faults += _target_faults(one)
    return faults


def differences(wanted: Menu, found: Menu) -> list[str]:
    """What to change on the platform so that `found` becomes `wanted`, a line each; none if they say the same."""
    ours, theirs = dict(_leaves(wanted)), dict(_leaves(found))
    lines = [f"平台上没有：{path}" for path in ours if path not in theirs]
    lines += [f"平台上多出：{path}" for path in theirs if path not in ours]
    for path, target in ours.items():
        if path in theirs and theirs[path] != target:
            lines.append(f"不一样：{path}　平台上是 {_shown(theirs[path])}，应为 {_shown(target)}")
    if not lines and list(ours) != list(theirs):
        lines.append(f"顺序不一样：平台上是 {'、'.join(theirs)}")
    return lines


def menu_lines(menu: Menu) -> Iterator[str]:
    """The menu as an indented list."""
    for button in menu.get("button") or []:
        below = button.get("sub_button") or []
        yield str(button.get("name")) if below else f"{button.get('name')}　{_shown(_target(button))}"
        for one in below:
            yield f"  {one.get('name')}　{_shown(_target(one))}"


def _leaves(menu: Menu) -> Iterator[tuple[str, dict[str, str]]]:
    """Each button that does something, by its path. The platform adds an empty sub_button to those."""
    for button in menu.get("button") or []:
        below = button.get("sub_button") or []
        for one in below:
            yield f"{button.get('name')} › {one.get('name')}", _target(one)
        if not below:
            yield str(button.get("name")), _target(button)


def _target(button: Menu) -> dict[str, str]:
    return {name: str(button[name]) for name in _TARGETS if button.get(name)}


def _shown(target: Mapping[str, str]) -> str:
    return " ".join(target.values())


def _name_faults(button: Menu, most: int) -> Iterator[str]:
    name = str(button.get("name") or "")
    size = len(name.encode())
    if not 0 < size <= most:
        yield f"名称“{name}”有 {size} 字节，应为 1–{most} 字节（一个汉字 3 字节）"


def _target_faults(button: Menu) -> Iterator[str]:
    limits = {"click": ("key", _KEY_BYTES), "view": ("url", _URL_BYTES)}
    kind = str(button.get("type") or "")
    if not kind:
        yield f"“{button.get('name')}”没有写 type"
    elif kind in limits:
        field, most = limits[kind]
        size = len(str(button.get(field) or "").encode())
        if not 0 < size <= most:
            yield f"“{button.get('name')}”的 {field} 有 {size} 字节，应为 1–{most} 字节"
