"""退订, 订阅 and 订阅提醒: which reminders a student wants, and the taps that allow one more notice.

Urgent safety notices do not ask.
"""

import re
from collections.abc import Sequence

from bot.channel.messages import Source
from bot.routing.services import Services
from bot.routing.turn import SILENCE, Reply, Turn
from bot.students.contacts import EVERY_TOPIC, find_opt_outs, opt_in, opt_out
from bot.students.subscriptions import count_remaining, grant_subscription, refuse_subscription
from handlers import messages

MENU_KEY = "subscribe"
_BY = "subscription"
_COMMAND = re.compile(
    r"^\s*(?P<verb>退订|取消订阅|不要提醒|别提醒我?|订阅|恢复提醒|(?:TD|T)(?![一-鿿\w]))"
    r"\s*(?P<rest>[一-鿿、，, \u3000]{0,30})[。.]?\s*$",
    re.IGNORECASE,
)
_ON = frozenset({"订阅", "恢复提醒"})
_SHOW = frozenset({"订阅提醒", "提醒设置", "我的订阅", "我的提醒", "提醒列表"})
_ALL = frozenset({"", "全部", "所有", "提醒", "通知", "消息", "全部提醒", "所有提醒"})
_BETWEEN = re.compile(r"[\s、，,和]+")
_ENDING = re.compile(r"(?:类|提醒|通知)+$")
_LONGEST_WORD = 8
_POPUP, _CHANGE = "subscribe_msg_popup_event", "subscribe_msg_change_event"


def taps(turn: Turn, _services: Services) -> Reply | None:
    """What the student allowed or switched off is in the ledger; nothing is said, the platform has said it."""
    event = turn.message.event
    if event not in (_POPUP, _CHANGE):
        return None
    for line in turn.message.extra.get("taps", "").splitlines():
        template, _, status = line.partition(" ")
        if status == "accept" and event == _POPUP:
            grant_subscription(turn.session, turn.contact.contact, template, turn.now)
        elif status == "reject" and event == _CHANGE:  # a “no” in the pop-up takes back nothing that was allowed before
            refuse_subscription(turn.session, turn.contact.contact, template, turn.now)
    return SILENCE


def subscription(turn: Turn, services: Services) -> Reply | None:
    """The wish is stored; the answer lists what comes and says how to change it back."""
    pressed = turn.message.event == "click" and turn.message.event_key == MENU_KEY
    if pressed or turn.words.strip() in _SHOW:
        return _show(turn, services)
    command = _COMMAND.match(turn.words) if turn.words else None
    if command is None:
        return None
    words = _BETWEEN.split(command.group("rest").strip())
    if any(len(word) > _LONGEST_WORD for word in words):
        return None  # a sentence, not a topic
    topics, unknown = _topics(words, services)
    if unknown:
        return Reply(text=messages.which_topic(unknown, services.reminder_topics), by=_BY)
    off = _unwanted(turn, services)
    if command.group("verb") in _ON:
        opt_in(turn.session, turn.contact.contact, [*topics, EVERY_TOPIC])
        return Reply(text=messages.subscribed(topics, _without(services.reminder_topics, off - set(topics))), by=_BY)
    every = [EVERY_TOPIC] if len(topics) == len(services.reminder_topics) else []
    opt_out(turn.session, turn.contact.contact, [*topics, *every], turn.now)
    subjects = [subject for topic in topics for subject in services.reminder_subjects[topic]]
    # what waited goes with it
    services.outbox.cancel_to(turn.session, subjects, Source.WECHAT, turn.contact.contact)
    wanted = _without(services.reminder_topics, off | set(topics))
    return Reply(text=messages.unsubscribed(topics, wanted), by=_BY, plain=True)


def _show(turn: Turn, services: Services) -> Reply:
    off = _unwanted(turn, services)
    settings = services.settings.reminders
    text = messages.subscriptions(
        wanted=_without(services.reminder_topics, off),
        unwanted=[topic for topic in services.reminder_topics if topic in off],
        most_per_day=settings.most_per_day,
        page=settings.subscribe_url,
        allowed=count_remaining(turn.session, turn.contact.contact),
    )
    return Reply(text=text, by=_BY)


def _topics(words: Sequence[str], services: Services) -> tuple[list[str], str]:
    """The topics that the words mean, all of them for none; and the first word that means none."""
    if all(word in _ALL for word in words):
        return list(services.reminder_topics), ""
    found = []
    for word in words:
        topic = services.reminder_words.get(word) or services.reminder_words.get(_ENDING.sub("", word))
        if topic is None:
            return [], word
        found.append(topic)
    return list(dict.fromkeys(found)), ""


def _without(topics: Sequence[str], unwanted: set[str]) -> list[str]:
    return [topic for topic in topics if topic not in unwanted]


def _unwanted(turn: Turn, services: Services) -> set[str]:
    off = set(find_opt_outs(turn.session, turn.contact.contact))
    return set(services.reminder_topics) if EVERY_TOPIC in off else off
