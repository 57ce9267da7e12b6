"""打给我: a student whom somebody worries about wants to be called, and leaves a number."""

from bot.routing.services import Services
from bot.routing.turn import Reply, Turn
from bot.safety.callback import find_call_request, find_phone
from bot.safety.replies import call_me_reply


def callback(turn: Turn, services: Services) -> Reply | None:
    """The number is with whoever has the alert, or with those on duty. A number alone counts while an alert is open."""
    wish = find_call_request(turn.words)
    phone = wish.phone if wish else find_phone(turn.words)
    if wish is None and phone is None:
        return None
    if not services.alerts.ask_for_call(turn.session, turn.contact.contact, phone=phone or ""):
        return None
    text = call_me_reply(turn.now.astimezone(services.zone), phone=phone or "")
    return Reply(text=text, by="safety", topic="psych.crisis", plain=True)
