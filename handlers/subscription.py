"""退订 and 订阅: which reminders a student wants. Urgent safety notices do not ask."""

import re

from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from bot.students.contacts import opt_in, opt_out
from handlers import messages

_COMMAND = re.compile(
    r"^\s*(?P<verb>退订|取消订阅|不要提醒|别提醒我?|订阅|恢复提醒|TD|T)\s*(?:提醒|通知|全部|所有)?\s*(?P<topic>[一-鿿]{0,6}?)(?:类|提醒|通知)?\s*[。.]?\s*$",
    re.IGNORECASE,
)
_ON = frozenset({"订阅", "恢复提醒"})


def subscription(turn: Turn, services: Services) -> Reply | None:
    """The wish is stored; the answer says how to change it back."""
    command = _COMMAND.match(turn.words) if turn.words else None
    if command is None:
        return None
    word = command.group("topic")
    if word and word not in services.reminder_topics:
        return Reply(text=messages.which_topic(word, services.reminder_topics), by="subscription")
    topics = [word] if word else list(services.reminder_topics)
    if command.group("verb") in _ON:
        opt_in(turn.session, turn.contact.contact, topics)
        return Reply(text=messages.subscribed(topics), by="subscription")
    opt_out(turn.session, turn.contact.contact, topics, turn.now)
    return Reply(text=messages.unsubscribed(topics), by="subscription", plain=True)
