"""The account's menu and the platform's rules for one."""

from collections.abc import Mapping
from typing import Any

from bot.simulator.codes import ApiRefusedError

_BUTTONS, _SUB_BUTTONS = 3, 5
_NAME_BYTES, _SUB_NAME_BYTES, _KEY_BYTES, _URL_BYTES = 16, 60, 128, 1024
_TYPES = frozenset(
    {
        "click",
        "view",
        "scancode_push",
        "scancode_waitmsg",
        "pic_sysphoto",
        "pic_photo_or_album",
        "pic_weixin",
        "location_select",
        "media_id",
        "article_id",
        "article_view_limited",
        "miniprogram",
    }
)


class Menu:
    """What followers see at the bottom of the chat; `fields` is as menu/create takes it, empty if there is none."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = dict(fields)

    def create(self, fields: Mapping[str, Any]) -> None:
        """Replaces the menu. Raises ApiRefusedError for one that the platform would not take."""
        _check(fields)
        self.fields = {"button": fields["button"]}

    def delete(self) -> None:
        """There is no menu any more."""
        self.fields = {}

    def as_self_menu(self) -> dict[str, Any]:
        """The menu as get_current_selfmenu_info gives it: sub-buttons one level deeper."""
        buttons = [
            {"name": button["name"], "sub_button": {"list": button["sub_button"]}} if "sub_button" in button else button
            for button in self.fields.get("button", [])
        ]
        return {"is_menu_open": int(bool(buttons)), "selfmenu_info": {"button": buttons}}


def _check(fields: Mapping[str, Any]) -> None:
    buttons = fields.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= _BUTTONS:
        raise ApiRefusedError(40016)
    for button in buttons:
        _check_name(button, _NAME_BYTES)
        below = button.get("sub_button")
        if below:
            if not isinstance(below, list) or len(below) > _SUB_BUTTONS:
                raise ApiRefusedError(40023)
            for one in below:
                _check_name(one, _SUB_NAME_BYTES)
                _check_target(one)
        else:
            _check_target(button)


def _check_name(button: Any, limit: int) -> None:
    name = button.get("name") if isinstance(button, dict) else None
    if not isinstance(name, str) or not 0 < len(name.encode()) <= limit:
        raise ApiRefusedError(40018)


def _check_target(button: Mapping[str, Any]) -> None:
    kind = button.get("type")
    if kind not in _TYPES:
        raise ApiRefusedError(40015)
    if kind == "view" and not 0 < len(str(button.get("url", "")).encode()) <= _URL_BYTES:
        raise ApiRefusedError(40020)
    if kind == "click" and not 0 < len(str(button.get("key", "")).encode()) <= _KEY_BYTES:
        raise ApiRefusedError(40019)
