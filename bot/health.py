"""/healthz, /readyz and /metrics: what an operator's watchdog asks. Figures come from database and disk."""

from collections.abc import Callable, Iterator
from datetime import datetime

from flask import Blueprint, Response, jsonify
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from bot.channel.records import AccessTokenRecord
from bot.clock import Clock
from bot.conversation.records import InboundRecord
from bot.db import Database
from bot.escalation.audit import WORKER, find_faults
from bot.escalation.audit_store import take_pulse
from bot.escalation.records import AlertRecord
from bot.maintenance import find_maintenance
from bot.outbox.records import DeliveryRecord
from bot.routing.spool import Spool


class Vital:
    """The state of the service as numbers."""

    def __init__(self, database: Database, clock: Clock, spool: Spool, *, refused: Callable[[], int]) -> None:
        """`refused` tells how many faults keep the newest state of the knowledge from being served."""
        self._database = database
        self._clock = clock
        self._spool = spool
        self._refused = refused

    def faults(self) -> list[str]:
        """Why this server should get no traffic, or needs somebody; empty when all is well."""
        now = self._clock.now()
        try:
            with self._database.read() as session:
                pulse = take_pulse(session, now)
        except SQLAlchemyError as error:
            return [f"database: {type(error).__name__}"]
        return [str(fault) for fault in find_faults(pulse, now)]

    def maintenance(self) -> dict[str, str | None] | None:
        """Since when maintenance mode is on and when it is to end, or None. Not a fault: distress must get in."""
        try:
            with self._database.read() as session:
                found = find_maintenance(session)
        except SQLAlchemyError:  # told by faults()
            return None
        if found is None:
            return None
        return {"since": found.since.isoformat(), "until": found.until.isoformat() if found.until else None}

    def families(self) -> Iterator[GaugeMetricFamily]:
        """The figures, read now. What stands on disk is told even when the database is away."""
        yield GaugeMetricFamily("lixiao_spooled_messages", "Messages waiting on disk", value=self._spool.waiting())
        yield GaugeMetricFamily(
            "lixiao_knowledge_faults", "Faults for which an edit of the knowledge is not served", value=self._refused()
        )
        try:
            yield from self._from_database()
        except SQLAlchemyError:
            yield GaugeMetricFamily("lixiao_database_up", "1 if the database answers", value=0)
        else:
            yield GaugeMetricFamily("lixiao_database_up", "1 if the database answers", value=1)

    def _from_database(self) -> Iterator[GaugeMetricFamily]:
        now = self._clock.now()
        with self._database.read() as session:
            yield _by_label("lixiao_deliveries", "Deliveries by state", "state", _counts(session, DeliveryRecord.state))
            yield _by_label("lixiao_alerts", "Alerts by state", "state", _counts(session, AlertRecord.state))
            yield GaugeMetricFamily(
                "lixiao_inbound_messages", "Messages kept", value=session.scalar(select(func.count(InboundRecord.id)))
            )
            due = select(func.min(DeliveryRecord.not_before)).where(DeliveryRecord.state == "pending")
            yield _age("lixiao_queue_age_seconds", "Age of the oldest due delivery", session.scalar(due), now)
            red = select(func.min(AlertRecord.triggered_at)).where(
                AlertRecord.state == "triggered", AlertRecord.level == "red", AlertRecord.about != "drill"
            )
            yield _age(
                "lixiao_oldest_unacknowledged_red_seconds",
                "Age of the oldest red alert that nobody has taken",
                session.scalar(red),
                now,
            )
            token = select(func.min(AccessTokenRecord.expires_at))
            expires = session.scalar(token)
            yield GaugeMetricFamily(
                "lixiao_token_life_seconds",
                "How long the access token that ends first is still good",
                value=(expires - now).total_seconds() if expires else 0,
            )
            pulse = take_pulse(session, now)
            yield GaugeMetricFamily(
                "lixiao_unreached_alerts",
                "Alerts of which nobody can be told",
                value=sum(alert.is_unreached for alert in pulse.alerts),
            )
            yield _age(
                "lixiao_alert_notice_age_seconds",
                "Since when the oldest notice of an alert waits to be sent",
                pulse.oldest_due_at,
                now,
            )
            silent = GaugeMetricFamily("lixiao_loop_silence_seconds", "Since a loop last went round", labels=["loop"])
            for name, one in pulse.beats.items():
                if name != WORKER:
                    silent.add_metric([name], max(0.0, (now - one.at).total_seconds()))
            yield silent
            faults = find_faults(pulse, now)
            yield GaugeMetricFamily("lixiao_audit_faults", "Faults that the audit finds", value=len(faults))
            yield GaugeMetricFamily(
                "lixiao_maintenance", "1 while maintenance mode is on", value=int(find_maintenance(session) is not None)
            )
            worker = pulse.beats.get(WORKER)
            since = worker.at if worker else None
            yield _age("lixiao_worker_silence_seconds", "Since a worker last gave a sign", since, now)


def _counts(session: Session, column: object) -> dict[str, int]:
    return {str(word): int(count) for word, count in session.execute(select(column, func.count()).group_by(column))}  # type: ignore[call-overload]  # any column will do


def _by_label(name: str, text: str, label: str, counts: dict[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for word, count in counts.items():
        family.add_metric([word], count)
    return family


def _age(name: str, text: str, since: datetime | None, now: datetime) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=max(0.0, (now - since).total_seconds()) if since else 0.0)


class _VitalCollector(Collector):
    def __init__(self, read: Callable[[], Iterator[GaugeMetricFamily]]) -> None:
        self._read = read

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._read()

    def describe(self) -> Iterator[GaugeMetricFamily]:
        yield from ()


def create_health_blueprint(vital: Vital) -> Blueprint:
    """The three addresses. None of them says anything about a person."""
    blueprint = Blueprint("health", __name__)
    registry = CollectorRegistry()
    registry.register(_VitalCollector(vital.families))

    @blueprint.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="ok")

    @blueprint.get("/readyz")
    def readyz() -> tuple[Response, int]:
        faults = vital.faults()
        if faults:
            return jsonify(status="faulty", faults=faults), 503
        if maintenance := vital.maintenance():  # 200: a balancer that took it away would take the distress screen away
            return jsonify(status="maintenance", faults=[], maintenance=maintenance), 200
        return jsonify(status="ready", faults=[]), 200

    @blueprint.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return blueprint
