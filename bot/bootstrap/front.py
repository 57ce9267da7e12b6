"""The way of a message from the callback to its answer; health; the simulator. No rules here."""

from collections.abc import Callable, Collection
from datetime import timedelta
from functools import cached_property, wraps
from pathlib import Path

from flask import Blueprint
from pydantic import SecretStr

from bot.bootstrap.outreach import Outreach
from bot.callback.sealing import Seal
from bot.callback.webhook import Callback, Mode, create_callback_blueprint
from bot.channel.messages import Source
from bot.development import DEMONSTRATION_STAFF, ROBOT_KEY
from bot.health import Vital
from bot.routing.inbox import Inbox
from bot.routing.maintenance import MaintenanceStage
from bot.routing.pipeline import Pipeline, ReplayedRequestError
from bot.routing.services import Handler, Services
from bot.routing.stages import HeldStage, LimitStage, RouterStage, TakeoverStage
from bot.routing.turn import Reply, Stage, Turn
from bot.safety.living import LivingLexicon
from bot.safety.screen import Assess, DistressStage
from bot.simulator.platform import SimulatorSettings, WeChatAccount, WeComAccount
from bot.simulator.simulator import Simulator
from handlers.menu import MENU
from handlers.routers import IN_MAINTENANCE

_HERE = Path(__file__).resolve().parent.parent


class Front(Outreach):
    """The way of a message from the callback to its answer; health; the simulator."""

    @cached_property
    def services(self) -> Services:
        return Services(
            settings=self.settings,
            zone=self.settings.school.zone,
            knowledge=self.knowledge.current,
            cases=self.cases,
            alerts=self.alerts,
            handling=self.handling,
            reports=self.reports,
            outbox=self.outbox,
            directory=self.directory,
            profiles=self.profiles,
            binding=self.binding,
            privacy=self.privacy,
            reminder_topics=self.reminders.topics,
            swaps=self.swaps,
            reminder_words=self.season.words,
            reminder_subjects=self.season.subjects,
            results=self.campaign_ledger,
            safety_notices=self.safety_notices,
        )

    @cached_property
    def stages(self) -> tuple[Stage, ...]:
        """The way of a message, in order. Replay comes before all of them, in the pipeline itself."""
        return (
            DistressStage(  # always, before any filter
                self.assess,
                self.alerts,
                self.directory,
                self.cipher,
                self.settings.school.zone,
            ),
            TakeoverStage(self.cases),  # a person has the chat
            LimitStage(messages_per_minute=self.settings.limits.messages_per_minute),  # a flood
            MaintenanceStage(self.maintenance, self._routers(IN_MAINTENANCE), self.settings.school.zone),
            HeldStage(self.outbox),  # what waited for the student to write
            self._routers(self.handlers),
        )

    def _routers(self, chosen: Collection[Handler]) -> RouterStage:
        """The handlers that are `chosen`, in their one order."""
        return RouterStage([_bound(handler, self.services) for handler in self.handlers if handler in chosen])

    @cached_property
    def inbox(self) -> Inbox:
        pipeline = Pipeline(self.stages, clock=self.clock, chance=self.chance, cipher=self.cipher, outbox=self.outbox)
        return Inbox(
            self.database,
            pipeline,
            self.spool,
            self.outbox,
            think=self.think,
            answer_within_s=self.settings.limits.answer_within_s,
        )

    def think(self, words: str) -> None:
        """What `words` mean is worked out and remembered for the stages: pure rules, the database is not touched."""
        if words:
            self.assess(words, ())
            self.knowledge.current().ask(words[: self.settings.limits.text_characters])

    @cached_property
    def assess(self) -> Assess:
        """The distress assessment; edits of the lexicon are followed."""
        return LivingLexicon(_HERE / "safety" / "data")

    @cached_property
    def vital(self) -> Vital:
        return Vital(self.database, self.clock, self.spool, refused=lambda: len(self.knowledge.faults))

    def webhooks(self) -> list[Blueprint]:
        """The callback addresses of the accounts that are configured."""
        blueprints = []
        wechat, wecom = self.settings.wechat, self.settings.wecom
        if wechat.token.get_secret_value():
            seal = _seal(wechat.token, wechat.app_id, wechat.encoding_aes_key, wechat.previous_aes_key, wechat.skew_s)
            blueprints.append(self._webhook(Source.WECHAT, "/wechat", seal, wechat.mode))
        if wecom.corp_id:
            seal = _seal(wecom.token, wecom.corp_id, wecom.encoding_aes_key, wecom.previous_aes_key, wechat.skew_s)
            blueprints.append(self._webhook(Source.WECOM, "/wecom", seal, "safe"))
        return blueprints

    def _webhook(self, source: Source, path: str, seal: Seal, mode: Mode) -> Blueprint:
        return create_callback_blueprint(
            Callback(
                source=source,
                path=path,
                seal=seal,
                mode=mode,
                clock=self.clock,
                answer=self.inbox.answer,
                refused=(ReplayedRequestError,),
            )
        )

    @cached_property
    def simulator(self) -> Simulator | None:
        """The simulator, where it stands in for the platforms."""
        if not self.simulated:
            return None
        return Simulator(self.simulator_settings, self.clock, self.chance, mode=self.settings.server.mode)

    @property
    def simulator_settings(self) -> SimulatorSettings:
        """The accounts of the settings, as the simulator's platforms know them."""
        wechat, wecom, here = self.settings.wechat, self.settings.wecom, f"http://127.0.0.1:{self.settings.server.port}"
        return SimulatorSettings(
            wechat=WeChatAccount(
                app_id=wechat.app_id,
                app_secret=wechat.app_secret.get_secret_value(),
                token=wechat.token.get_secret_value(),
                callback_url=f"{here}/wechat",
                encoding_aes_key=wechat.encoding_aes_key.get_secret_value(),
                mode=wechat.mode,
            ),
            wecom=WeComAccount(
                corp_id=wecom.corp_id,
                agent_id=wecom.agent_id,
                secret=wecom.secret.get_secret_value(),
                token=wecom.token.get_secret_value(),
                encoding_aes_key=wecom.encoding_aes_key.get_secret_value(),
                callback_url=f"{here}/wecom",
                robot_keys=(ROBOT_KEY,),
            ),
            menu=MENU,
            account_name=f"{self.settings.school.short_name}离校小助手",
            zone=self.settings.school.zone,
        )

    def seed_demonstration(self) -> None:
        """A counselor to play with exists, if nobody was imported. Simulator only."""
        with self.database.write() as session:
            if self.directory.is_empty(session):
                self.directory.replace_all(session, DEMONSTRATION_STAFF)


def _bound(handler: Handler, services: Services) -> Callable[[Turn], Reply | None]:
    @wraps(handler)
    def bound(turn: Turn) -> Reply | None:
        return handler(turn, services)

    return bound


def _seal(token: SecretStr, receiver_id: str, key: SecretStr, previous: SecretStr, skew_s: float) -> Seal:
    return Seal(
        token=token.get_secret_value(),
        receiver_id=receiver_id,
        aes_keys=[key.get_secret_value(), previous.get_secret_value()],
        skew=timedelta(seconds=skew_s),
    )
