"""我的数据: what is stored, in plain words; 删除我的数据: asks, then deletes what may be deleted."""

import re

from bot.privacy import messages
from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from bot.safety.care import SLOT as CARE_SLOT
from handlers import confirmation

_THINGS = r"(?:我的)?(?:所有|全部|个人)?(?:数据|信息|记录|隐私|聊天记录)"
_SHOW = re.compile(
    r"\s*(?:(?:看看?|查看|查询|查)?(?:一下)?我的(?:个人)?(?:数据|信息|隐私)"
    r"|(?:你们?|这里)(?:都)?(?:存|保存|记|收集)了?我?(?:的)?(?:哪些|什么)(?:数据|信息|东西)?)\s*[。.!！?？]*\s*"
)
_ERASE = re.compile(
    rf"\s*(?:请|帮我|我要|我想)?(?:删除|删掉|清除|清空|注销)(?:{_THINGS}|我的账号)(?:吧)?\s*[。.!！?？]*\s*"
)


def privacy(turn: Turn, services: Services) -> Reply | None:
    """What there is is shown, or deleted after a yes; the answer says what stays and why."""
    words = confirmation.plain(turn)
    if confirmation.given(turn, "erase", words, messages.CONFIRM):
        still_open = services.privacy.erase(turn.session, turn.contact.contact)
        slots = turn.conversation.slots
        turn.conversation.slots = {key: slots[key] for key in (CARE_SLOT,) if key in slots}  # care goes on till the end
        return _reply(messages.erased(still_open))
    if _ERASE.fullmatch(words):
        confirmation.ask(turn, "erase")
        return _reply(messages.confirm(services.privacy.stock(turn.session, turn.contact, turn.conversation.slots)))
    if _SHOW.fullmatch(words):
        stock = services.privacy.stock(turn.session, turn.contact, turn.conversation.slots)
        settings = services.settings
        days = settings.security.retention_days
        return _reply(messages.stored(stock, services.zone, school=settings.school.name, days=days))
    return None


def _reply(text: str) -> Reply:
    return Reply(text=text, by="privacy", topic="meta.chat", plain=True)
