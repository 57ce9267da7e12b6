"""A season of notices against the platform's limits: is anything refused, is anybody lost, was the forecast right?

    .venv/bin/python benchmarks/season.py                       10,000 students, 60 days
    .venv/bin/python benchmarks/season.py --students 300 --days 20

The pure rules alone: the product's planner and budgets on one side, the emulator's window and the platform's counts on
the other, with students who write, fall silent, follow, leave and come back. A campaign goes out ten minutes after its
forecast. Six campaigns, two urgent ones among them,
and reminders three times a week that only use an open window. A send that the platform's side would refuse is counted
by its code.
"""

import argparse
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.broadcast.budget import BEIJING, MASS_MOST, Used, Way, budgets_for
from bot.broadcast.planner import Held, Message, Recipient, Unreachable, Via, forecast, plan_all
from bot.channel.messages import InboundMessage, Kind, Source
from bot.simulator.codes import ApiRefusedError
from bot.simulator.window import ServiceWindow
from bot.students.window import Window, opened_by

START = datetime(2027, 5, 1, 0, tzinfo=UTC)
TEMPLATE_A_DAY, SERVICE_A_DAY, MASS_A_DAY, MASS_EACH = 100_000, 500_000, 100, 4
LOST_EVENTS = 0.05
"""The share of unfollow events that never reach us."""
CAMPAIGNS = {
    4: (False, True),
    13: (False, False),
    22: (True, True),
    31: (False, False),
    40: (False, False),
    50: (True, False),
}
"""Day → urgent, with a template."""


@dataclass
class Person:
    """A student, what we believe of them, and what the platform knows."""

    number: int
    activity: float
    bound: bool
    follows: bool
    believed: bool
    ours: Window = field(default_factory=Window)
    platform: ServiceWindow = field(default_factory=ServiceWindow)
    mass: Counter = field(default_factory=Counter)
    held: list = field(default_factory=list)
    notices: list = field(default_factory=list)


class Season:
    """The days of one season."""

    def __init__(self, students: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = START
        self.refused: Counter = Counter()
        self.sent: Counter = Counter()
        self.used: Counter = Counter()
        self.day_series: list[dict] = []
        self.worst_error = 0.0
        self.outcomes: Counter = Counter()
        self.pairs = 0
        self.found_gone = 0
        self.people = [self._person(number) for number in range(students)]

    def _person(self, number: int) -> Person:
        follows = self.chance.random() < 0.93
        return Person(
            number,
            activity=self.chance.choice([0.0, 0.01, 0.03, 0.1, 0.3]),
            bound=self.chance.random() < 0.96,
            follows=follows,
            believed=follows,
        )

    def run(self, days: int) -> dict:
        began = time.perf_counter()
        for day in range(days):
            self.used.clear()
            before = Counter(self.sent)
            for hour in range(24):
                self.now = START + timedelta(days=day, hours=hour)
                self._live()
                if hour == 2 and day % 7 in (0, 2, 4):
                    self._remind()
                if hour == 3 and day in CAMPAIGNS:
                    self._campaign(*CAMPAIGNS[day], day)
            self.day_series.append({"day": day, **{way: self.sent[way] - before[way] for way in self.sent}})
        left_held = sum(len(one.held) for one in self.people)
        assert self.pairs == sum(self.outcomes.values()), "somebody was lost"
        return {
            "students": len(self.people),
            "days": days,
            "notices": self.pairs,
            "outcomes": dict(self.outcomes),
            "sent": {str(way): count for way, count in self.sent.items()},
            "held_at_the_end": left_held,
            "refused": dict(self.refused),
            "found_gone_43004": self.found_gone,
            "forecast_off_by_at_most": round(self.worst_error, 5),
            "seconds": round(time.perf_counter() - began, 1),
        }

    def _live(self, hours: float = 1) -> None:
        """Some of everybody's life."""
        local = self.now.astimezone(BEIJING).hour
        awake = hours * (0.2 if local < 7 else 1.0)
        for one in self.people:
            draw = self.chance.random()
            if one.follows and draw < one.activity * awake / 3:
                self._writes(one)
            elif one.follows and draw > 1 - 0.00008 * hours:
                one.follows = False
                one.believed = self.chance.random() < LOST_EVENTS
                one.platform = ServiceWindow()
            elif not one.follows and draw > 1 - 0.0004 * hours:
                one.follows = one.believed = True
                one.platform = one.platform.tap_came(self.now)
                one.ours = opened_by(self._message(Kind.EVENT, "subscribe"), one.ours)

    def _writes(self, one: Person) -> None:
        one.platform = one.platform.message_came(self.now)
        one.ours = opened_by(self._message(Kind.TEXT), one.ours)
        self.sent["with an answer"] += len(one.held)
        one.held.clear()  # given with the answer, which costs nothing

    def _message(self, kind: Kind, event: str = "") -> InboundMessage:
        return InboundMessage(Source.WECHAT, "o", "k", kind, self.now, event=event)

    def _recipient(self, one: Person) -> Recipient:
        month = self.now.astimezone(BEIJING).strftime("%Y-%m")
        day_ago = self.now - timedelta(hours=24)
        one.notices = [at for at in one.notices if at > day_ago]
        return Recipient(
            person=str(one.number),
            contact=f"o{one.number}" if one.bound else "",
            following=one.believed,
            window=one.ours,
            mass_used=one.mass[month],
            notices=len(one.notices),
        )

    def _used(self) -> Used:
        return Used(service=self.used["service"], template=self.used["template"], mass_jobs=self.used["mass"])

    def _campaign(self, urgent: bool, template: bool, day: int) -> None:
        message = Message(urgent=urgent, has_template=template, cap=None if urgent else 2)
        ways = frozenset({Way.WINDOW, Way.TEMPLATE, Way.MASS})
        recipients = [self._recipient(one) for one in self.people]
        said = forecast(recipients, message, budgets_for("service", self._used(), usable=ways), self.now)
        self.now += timedelta(minutes=10)  # until the second person has approved it
        self._live(1 / 6)
        recipients = [self._recipient(one) for one in self.people]
        budgets = budgets_for("service", self._used(), usable=ways)
        came: Counter = Counter()
        gathered: list[Person] = []
        for (_, decision, _), one in zip(plan_all(recipients, message, budgets, self.now), self.people, strict=True):
            came[self._carry_out(one, decision, gathered, f"campaign {day}")] += 1
        self._mass(gathered)
        for way in Way:
            self._compare(said.via.get(way, 0), came[way])
        self._compare(sum(said.held.values()), came["held"])
        self._compare(sum(said.unreachable.values()), came["unreachable"])

    def _remind(self) -> None:
        """As the reminders do it: an open window beyond the reserve, or held."""
        message = Message(may_mass=False)
        followers = [one for one in self.people if one.bound and one.believed]
        budgets = budgets_for("service", self._used(), usable=frozenset({Way.WINDOW}))
        recipients = [self._recipient(one) for one in followers]
        for (_, decision, _), one in zip(plan_all(recipients, message, budgets, self.now), followers, strict=True):
            self._carry_out(one, decision, [], "reminder")

    def _carry_out(self, one: Person, decision: object, gathered: list[Person], what: str) -> object:
        self.pairs += 1
        if isinstance(decision, Unreachable):
            self.outcomes[f"unreachable: {decision.reason}"] += 1
            return "unreachable"
        if isinstance(decision, Held):
            one.held.append(what)
            del one.held[:-5]
            self.outcomes[f"held: {decision.reason}"] += 1
            return "held"
        assert isinstance(decision, Via)
        self.outcomes[f"sent: {decision.way.value}"] += 1
        one.notices.append(self.now)
        if decision.way is Way.MASS:
            gathered.append(one)
        else:
            self._send(one, decision.way)
        return decision.way

    def _send(self, one: Person, way: Way) -> None:
        self.sent[way.value] += 1
        if not one.follows:  # no limit was broken: the platform tells us what we had missed
            self.found_gone += 1
            one.believed = False
            return
        if way is Way.TEMPLATE:
            self.used["template"] += 1
            if self.used["template"] > TEMPLATE_A_DAY:
                self.refused["45009 template"] += 1
            return
        self.used["service"] += 1
        if self.used["service"] > SERVICE_A_DAY:
            self.refused["45009 service"] += 1
        one.ours = Window(one.ours.closes_at, one.ours.allowance, one.ours.used + 1)
        try:
            one.platform = one.platform.spent(self.now)
        except ApiRefusedError as error:
            self.refused[str(error.code)] += 1

    def _mass(self, gathered: list[Person]) -> None:
        month = self.now.astimezone(BEIJING).strftime("%Y-%m")
        for start in range(0, len(gathered), MASS_MOST):
            self.used["mass"] += 1
            if self.used["mass"] > MASS_A_DAY:
                self.refused["45009 mass"] += 1
            for one in gathered[start : start + MASS_MOST]:
                one.mass[month] += 1
                self.sent[Way.MASS.value] += 1
                if one.mass[month] > MASS_EACH:
                    self.refused["45028"] += 1

    def _compare(self, said: int, came: int) -> None:
        if said or came:
            self.worst_error = max(self.worst_error, abs(said - came) / len(self.people))


def plot(series: list[dict], path: Path) -> None:
    """Messages a day by way, as a small SVG that needs no library."""
    ways = [
        (Way.WINDOW.value, "#4c78a8", "48 小时窗口"),
        (Way.TEMPLATE.value, "#f58518", "模板消息"),
        (Way.MASS.value, "#54a24b", "群发接口"),
        ("with an answer", "#b279a2", "随回答给出"),
    ]
    most = max([1, *(sum(day.get(way, 0) for way, _, _ in ways) for day in series)])
    bars = []
    for day in series:
        top = 220.0
        for way, colour, _ in ways:
            height = 200 * day.get(way, 0) / most
            top -= height
            bars.append(
                f'<rect x="{40 + day["day"] * 9}" y="{top:.1f}" width="8" height="{height:.1f}" fill="{colour}"/>'
            )
    keys = [
        f'<rect x="{40 + 130 * n}" y="245" width="10" height="10" fill="{colour}"/>'
        f'<text x="{54 + 130 * n}" y="254">{words}</text>'
        for n, (_, colour, words) in enumerate(ways)
    ]
    width = 60 + 9 * len(series)
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {max(width, 580)} 265" font-family="sans-serif" font-size="11">'
        f'<text x="4" y="14">每天送出的条数，最多一天 {most:,}</text>{"".join(bars)}'
        f'<line x1="38" y1="220" x2="{width}" y2="220" stroke="#888"/>{"".join(keys)}</svg>\n',
        encoding="utf-8",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--students", type=int, default=10_000)
    parser.add_argument("--days", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--plot", type=Path)
    arguments = parser.parse_args()
    season = Season(arguments.students, arguments.seed)
    result = season.run(arguments.days)
    print(json.dumps(result, ensure_ascii=False, indent=1))
    if arguments.plot:
        plot(season.day_series, arguments.plot)
    assert not result["refused"], result["refused"]
    assert result["forecast_off_by_at_most"] <= 0.01


if __name__ == "__main__":
    main()
