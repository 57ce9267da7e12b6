"""What everything else stands on: time, chance, keys, the database, who people are, what is known. No rules here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import time, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from bot.clock import Chance, Clock
from bot.crypto import Cipher
from bot.db import Database
from bot.escalation.day_and_night import Hours
from bot.escalation.links import Links
from bot.outbox.outbox import Outbox
from bot.privacy.service import Privacy
from bot.routing.maintenance import MaintenanceSwitch
from bot.routing.services import Handler
from bot.routing.spool import Spool
from bot.settings import Settings
from bot.staff.models import Staff
from bot.staff.store import Directory
from bot.students.binding import Binding
from bot.students.lockout import LockPolicy
from bot.students.profiles import Profiles
from bot.workdays import Workdays
from handlers.menu import MENU
from handlers.routers import ROUTERS
from knowledge.living import LivingBase
from knowledge.published import find
from knowledge.tokens import private_cache_folder


@dataclass(frozen=True)
class Foundation:
    """Everything that runs, made on first use. `root` is the project's folder, `folder` where it keeps its files."""

    settings: Settings
    clock: Clock
    root: Path
    folder: Path
    simulated: bool = False
    handlers: Sequence[Handler] = ROUTERS
    seed: int | None = None

    @cached_property
    def chance(self) -> Chance:
        return Chance(self.clock, seed=self.seed)

    @cached_property
    def cipher(self) -> Cipher:
        return Cipher(self.settings.security.keys)

    @cached_property
    def database(self) -> Database:
        return Database(self.settings.database.url_in(self.root))

    @cached_property
    def knowledge(self) -> LivingBase:
        """The entries, indexed; edits are followed. Raises KnowledgeError that lists every fault."""
        return LivingBase(self._knowledge_folder)

    @property
    def has_learnt(self) -> bool:
        """Whether the knowledge opens at once."""
        return find(self._knowledge_folder, private_cache_folder()) is not None

    @property
    def _knowledge_folder(self) -> Path:
        return self.root / self.settings.knowledge.folder

    @cached_property
    def menu(self) -> Mapping[str, Any]:
        """What followers should see at the bottom of the chat."""
        return MENU

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.clock, self.chance, self.cipher)

    @cached_property
    def directory(self) -> Directory:
        return Directory(self.cipher)

    @cached_property
    def profiles(self) -> Profiles:
        return Profiles(self.cipher)

    @cached_property
    def binding(self) -> Binding:
        settings = self.settings
        return Binding(
            clock=self.clock,
            chance=self.chance,
            profiles=self.profiles,
            key=settings.security.secret_key.get_secret_value(),
            code_for=timedelta(days=settings.students.code_days),
            policy=LockPolicy(
                tries=settings.students.code_tries, lock_for=timedelta(minutes=settings.students.lock_minutes)
            ),
        )

    @cached_property
    def privacy(self) -> Privacy:
        return Privacy(self.clock, self.outbox, self.profiles, self.binding)

    @cached_property
    def workdays(self) -> Workdays:
        return Workdays(holidays=self.settings.rota.holidays, workdays=self.settings.rota.workdays)

    @cached_property
    def hours(self) -> Hours:
        rota = self.settings.rota
        day_starts, day_ends = rota.day
        return Hours(
            self.settings.school.zone,
            self.workdays.is_working_day,
            day_starts=day_starts,
            day_ends=day_ends,
            copy_at=time.fromisoformat(rota.copy_at),
        )

    @cached_property
    def links(self) -> Links:
        return self.links_to("alert", path="a")

    def links_to(self, purpose: str, *, path: str) -> Links:
        """Signed links for one purpose; its page is served under `path`."""
        return Links(
            secret=self.settings.security.secret_key.get_secret_value(),
            base_url=self.settings.public_url,
            clock=self.clock,
            life=timedelta(hours=self.settings.escalation.link_hours),
            purpose=purpose,
            path=path,
        )

    def link_for(self, alert_id: int, staff: Staff) -> str:
        """The address under which this member of staff, and nobody else, can take the alert without a login."""
        return self.links.link(alert_id, staff.staff_no)

    @cached_property
    def maintenance(self) -> MaintenanceSwitch:
        return MaintenanceSwitch(self.clock)

    @cached_property
    def spool(self) -> Spool:
        return Spool(self.folder / "spool", self.cipher)
