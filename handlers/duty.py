"""What staff say on WeCom about the rota: 同意换班 S3, 不同意换班 S3, 值班."""

import re

from bot.channel.messages import Source
from bot.escalation import rota_messages as messages
from bot.routing.services import Services
from bot.routing.turn import Reply, Turn

_SWAP = re.compile(r"^\s*(不?)同意换班\s*[SsＳｓ]?\s*(\d{1,9})\s*[。.!！]?\s*$")
_WHO = re.compile(r"^\s*(值班|今天谁值班|谁值班|现在谁值班)\s*[?？。]?\s*$")


def duty(turn: Turn, services: Services) -> Reply | None:
    """Answers staff about the rota; everything else is the next one's."""
    if turn.message.source is not Source.WECOM or turn.message.event:
        return None
    person = services.directory.find_by_userid(turn.session, turn.message.sender)
    if person is None:
        return None
    swap = _SWAP.match(turn.words)
    if swap is not None:
        text = services.swaps.answer(turn.session, int(swap[2]), person, agrees=not swap[1])
        return Reply(text=text, by="duty", plain=True)
    if _WHO.match(turn.words):
        now = services.swaps.now()
        on_duty = services.swaps.rota.on_duty(turn.session, now)
        names = [one.name for one in on_duty.people]
        return Reply(text=messages.on_duty(names, is_planned=on_duty.reason == "rota"), by="duty", plain=True)
    return None
