"""The simulator's whole state as JSON values, in the form that the page reads."""

from datetime import datetime
from typing import Any

from bot.simulator.simulator import Simulator
from bot.simulator.staff import RobotGroup, StaffMessage, StaffPhone
from bot.simulator.students import Bubble, StudentPhone

_SHOWN = 200  # the newest messages of each chat


class View:
    """Describes one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._zone = simulator.settings.zone

    def describe(self) -> dict[str, Any]:
        """Everything that the page shows, of one moment."""
        simulator = self._simulator
        with simulator.state.lock:
            return {
                "now": self._iso(simulator.state.now()),
                "version": simulator.state.version,
                "account": {"name": simulator.settings.account_name},
                "menu": simulator.menu,
                "students": [self._student(student) for student in simulator.students.values()],
                "staff": [self._member(member) for member in simulator.members.values()],
                "robots": [self._robot(robot) for robot in simulator.groups.values()],
                "faults": simulator.faults.describe(),
            }

    def now(self) -> str:
        """The present moment as the page shows it."""
        return self._iso(self._simulator.state.now())

    def _student(self, student: StudentPhone) -> dict[str, Any]:
        now = self._simulator.state.now()
        closes_at = student.window.closes_at(now)
        return {
            "openid": student.openid,
            "name": student.name,
            "following": student.following,
            "unread": student.unread,
            "window": {"closes_at": self._iso(closes_at) if closes_at else None, "left": student.window.left(now)},
            "messages": [self._bubble(bubble) for bubble in student.bubbles[-_SHOWN:]],
        }

    def _bubble(self, bubble: Bubble) -> dict[str, Any]:
        return {
            "id": bubble.id,
            "from": bubble.by,
            "kind": bubble.kind,
            "text": bubble.text,
            "at": self._iso(bubble.at),
            "status": bubble.status,
            "choices": [{"id": key, "content": words} for key, words in bubble.choices],
        }

    def _member(self, member: StaffPhone) -> dict[str, Any]:
        messages = [self._staff_message(message) for message in member.messages[-_SHOWN:]]
        return {"userid": member.userid, "name": member.name, "dropped": member.dropped, "messages": messages}

    def _staff_message(self, message: StaffMessage) -> dict[str, Any]:
        return {
            "id": message.id,
            "from": message.by,
            "kind": message.kind,
            "text": message.text,
            "title": message.title,
            "at": self._iso(message.at),
            "buttons": message.buttons,
            "pressed": message.pressed,
            "replaced_by": message.replaced_by,
        }

    def _robot(self, robot: RobotGroup) -> dict[str, Any]:
        messages = [
            {"id": message.id, "text": message.text, "at": self._iso(message.at)}
            for message in robot.messages[-_SHOWN:]
        ]
        return {"key": robot.key, "name": robot.name, "messages": messages}

    def _iso(self, moment: datetime) -> str:
        return moment.astimezone(self._zone).isoformat()
