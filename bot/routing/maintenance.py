"""The stage that answers in maintenance mode. It stands behind the distress screen, which hears everything."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from bot.channel.messages import Kind, Source
from bot.clock import Clock
from bot.maintenance import Maintenance, find_maintenance
from bot.routing import messages
from bot.routing.turn import Next, Reply, Stage, Turn

_BELIEVED_FOR = timedelta(seconds=2)


class MaintenanceSwitch:
    """The switch as this process knows it: looked at in the database when what it knows is two seconds old."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: Maintenance | None = None
        self._looked_at: datetime | None = None

    def current(self, session: Session) -> Maintenance | None:
        """The maintenance that is on, or None."""
        now = self._clock.now()
        if self._looked_at is None or abs(now - self._looked_at) >= _BELIEVED_FOR:
            self._known = find_maintenance(session)
            self._looked_at = now
        return self._known


class MaintenanceStage:
    """While maintenance is on, a student reads a short notice in place of an answer; the message is stored.

    What helps somebody in need goes on, by the handlers behind `still_open`: a person, a call, company. So does all
    that staff write, and events, which are no questions. Held messages stay held.
    """

    def __init__(self, switch: MaintenanceSwitch, still_open: Stage, zone: ZoneInfo) -> None:
        self._switch = switch
        self._still_open = still_open
        self._zone = zone

    def __call__(self, turn: Turn, proceed: Next, /) -> Reply:
        """The notice, or what is said as ever."""
        if turn.message.source is Source.WECOM:
            return proceed(turn)
        maintenance = self._switch.current(turn.session)
        if maintenance is None or (turn.message.kind is Kind.EVENT and turn.message.event != "click"):
            return proceed(turn)
        if not turn.routers_broke:
            reply = self._still_open(turn, proceed)
            if reply.text:
                return reply
        until = maintenance.until if maintenance.until and maintenance.until > turn.now else None
        text = messages.in_maintenance(
            maintenance.message,
            until=until and until.astimezone(self._zone),
            today=turn.now.astimezone(self._zone).date(),
        )
        return Reply(text=text, by="maintenance", plain=True)
