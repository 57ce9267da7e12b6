"""Typed, frozen settings: the shape of config.yaml. Reading it is configuration.py's work."""

import base64
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

_AES_KEY_CHARACTERS = 43
_DATA_KEY_BYTES = 32
_SQLITE = "sqlite:///"


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        message = f"不是已知的时区：{name}，例如 Asia/Shanghai"
        raise ValueError(message)
    return name


def _aes_key(secret: SecretStr) -> SecretStr:
    length = len(secret.get_secret_value())
    if length not in (0, _AES_KEY_CHARACTERS):
        message = f"应为 {_AES_KEY_CHARACTERS} 个字符，现在 {length} 个"
        raise ValueError(message)
    try:
        base64.b64decode(secret.get_secret_value() + "=", validate=True) if length else b""
    except ValueError as error:  # binascii.Error, or a character that is not ASCII
        message = "含有不属于 base64 的字符，请从公众平台重新复制"
        raise ValueError(message) from error
    return secret


def _data_key(secret: SecretStr) -> SecretStr:
    try:
        size = len(base64.b64decode(secret.get_secret_value(), validate=True))
    except ValueError:  # binascii.Error, or a character that is not ASCII
        size = -1
    if size != _DATA_KEY_BYTES:
        message = "应为 32 字节的 base64，可用 `openssl rand -base64 32` 生成"
        raise ValueError(message)
    return secret


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        complete = parts.scheme in ("http", "https") and bool(parts.netloc)
    except ValueError:  # half of an IPv6 address
        complete = False
    if url and not complete:
        message = "应为 http:// 或 https:// 开头的完整地址"
        raise ValueError(message)
    return url.rstrip("/")


def _hours(text: str) -> str:
    try:
        start, end = (time.fromisoformat(part) for part in text.split("-"))
    except ValueError as error:
        message = f"应为 22:00-08:00 这样的两个时刻，现在是 {text}"
        raise ValueError(message) from error
    return f"{start:%H:%M}-{end:%H:%M}"


def _day(value: object) -> date:
    try:
        if type(value) is date:
            return value
        return date.fromisoformat(str(value))
    except ValueError:
        message = "应为 2027-01-01 这样的日期"
        raise ValueError(message) from None


def _hour(text: str) -> str:
    try:
        return f"{time.fromisoformat(text):%H:%M}"
    except ValueError as error:
        message = f"应为 07:30 这样的时刻，现在是 {text}"
        raise ValueError(message) from error


def _database_url(url: str) -> str:
    if not url.startswith(("sqlite:///", "postgresql+psycopg://", "postgresql://")):
        message = "应以 sqlite:/// 或 postgresql+psycopg:// 开头"
        raise ValueError(message)
    return url


def _rungs(steps: tuple["EscalationStep", ...]) -> tuple["EscalationStep", ...]:
    if not steps or not all(step.tell for step in steps):
        message = "至少要有一级，每一级的 tell 至少写一个对象"
        raise ValueError(message)
    return steps


def _rising(hours: tuple[int, ...]) -> tuple[int, ...]:
    if any(hour <= 0 for hour in hours) or list(hours) != sorted(set(hours)):
        message = "应为从小到大、不重复的小时数，例如 [24, 72, 168]；不要回访就写 []"
        raise ValueError(message)
    return hours


AesKey = Annotated[SecretStr, AfterValidator(_aes_key)]
DataKey = Annotated[SecretStr, AfterValidator(_data_key)]
Url = Annotated[str, AfterValidator(_http_url)]
Day = Annotated[date, BeforeValidator(_day)]
Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
EMPTY = SecretStr("")


class Section(BaseModel):
    """A part of config.yaml: frozen, and unknown keys are faults."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class School(Section):
    """Whose graduates these are."""

    name: str = "首都体育学院"
    short_name: str = "首体"
    class_year: int = Field(default=2023, ge=2000, le=2100)
    timezone: Annotated[str, AfterValidator(_known_zone)] = "Asia/Shanghai"

    @property
    def zone(self) -> ZoneInfo:
        """The school's time zone."""
        return ZoneInfo(self.timezone)


class Server(Section):
    """The web processes."""

    mode: Literal["development", "production"] = "development"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    public_url: Url = ""
    workers: int = Field(default=2, ge=1, le=64)
    threads: int = Field(default=24, ge=1, le=256)
    trusted_proxies: int = Field(default=0, ge=0, le=5)
    log_level: Literal["debug", "info", "warning", "error"] = "info"


class DatabaseSection(Section):
    """Where the state lives."""

    url: Annotated[str, AfterValidator(_database_url)] = "sqlite:///var/lixiao.db"

    def url_in(self, root: Path) -> str:
        """The URL with a relative SQLite file taken from `root`, whichever folder the process was started in."""
        file = self.url.removeprefix(_SQLITE)
        if file == self.url or file.startswith("/"):
            return self.url
        return f"{_SQLITE}{root / file}"


class Redis(Section):
    """Optional; empty means that the database does its work."""

    url: str = ""


class WeChat(Section):
    """The official account."""

    app_id: str = ""
    app_secret: SecretStr = EMPTY
    token: SecretStr = EMPTY
    encoding_aes_key: AesKey = EMPTY
    previous_aes_key: AesKey = EMPTY
    mode: Literal["plain", "compatible", "safe"] = "safe"
    account_type: Literal["service", "subscription"] = "service"
    api_base_url: Url = "https://api.weixin.qq.com"
    connect_timeout_s: Seconds = 3
    read_timeout_s: Seconds = 8
    skew_s: Seconds = 300


class WeCom(Section):
    """The staff's WeCom application and group robots."""

    corp_id: str = ""
    agent_id: int = Field(default=0, ge=0)
    secret: SecretStr = EMPTY
    token: SecretStr = EMPTY
    encoding_aes_key: AesKey = EMPTY
    previous_aes_key: AesKey = EMPTY
    api_base_url: Url = "https://qyapi.weixin.qq.com"
    robot_webhooks: tuple[SecretStr, ...] = ()
    connect_timeout_s: Seconds = 3
    read_timeout_s: Seconds = 8


class Relay(Section):
    """Group robots of other platforms: each an address, and after a | its signing secret if it has one."""

    dingtalk_webhooks: tuple[SecretStr, ...] = ()
    feishu_webhooks: tuple[SecretStr, ...] = ()


class Email(Section):
    """The school's mail server; without a host there is no e-mail."""

    host: str = ""
    port: int = Field(default=465, ge=1, le=65535)
    security: Literal["tls", "starttls", "none"] = "tls"
    username: str = ""
    password: SecretStr = EMPTY
    sender: str = ""
    timeout_s: Seconds = 10


class Sms(Section):
    """An SMS gateway with an HTTP interface; without an address there is no SMS."""

    url: SecretStr = EMPTY
    method: Literal["POST", "GET"] = "POST"
    content_type: str = "application/json"
    body: str = ""
    headers: tuple[SecretStr, ...] = ()
    key: SecretStr = EMPTY
    code_field: str = "code"
    success: tuple[str, ...] = ("0",)
    codes: dict[str, Literal["busy", "slow", "gone", "off", "refused"]] = Field(default_factory=dict)
    connect_timeout_s: Seconds = 3
    read_timeout_s: Seconds = 8


class Security(Section):
    """Keys and retention."""

    secret_key: SecretStr = EMPTY
    data_keys: tuple[DataKey, ...] = ()
    retention_days: int = Field(default=180, ge=1, le=3650)

    @property
    def keys(self) -> list[bytes]:
        """The data keys as bytes, newest first."""
        return [base64.b64decode(key.get_secret_value()) for key in self.data_keys]


class Limits(Section):
    """What one student or one message may take."""

    messages_per_minute: int = Field(default=30, ge=1)
    text_characters: int = Field(default=2000, ge=100, le=20000)
    conversation_minutes: int = Field(default=30, ge=1)
    answer_within_s: float = Field(default=4.2, gt=0, le=4.5, allow_inf_nan=False)


class OutboxSection(Section):
    """How deliveries are tried."""

    lease_s: Seconds = 60
    concurrency: int = Field(default=8, ge=1, le=64)
    first_retry_s: Seconds = 2
    longest_retry_s: Seconds = 600
    attempts: int = Field(default=12, ge=1, le=1000)


TargetWord = Literal["duty", "counselors", "college_lead", "student_affairs", "psychology"]


class EscalationStep(Section):
    """One rung of a ladder: whom to tell, and the time that they have; without `wait_s` the level's usual time."""

    tell: tuple[TargetWord, ...] = ()
    wait_s: Seconds | None = None


Ladder = Annotated[tuple[EscalationStep, ...], AfterValidator(_rungs)]
_RED: tuple[TargetWord, ...] = ("duty", "counselors", "college_lead", "student_affairs", "psychology")


def _one_by_one(words: tuple[TargetWord, ...]) -> tuple[EscalationStep, ...]:
    return tuple(EscalationStep(tell=(word,)) for word in words)


class Escalation(Section):
    """How long an alert may wait for a person, and for whom it waits next."""

    ack_timeout_s: Seconds = 300
    repeat_s: Seconds = 300
    orange_repeat_s: Seconds = 1800
    red_steps: Ladder = _one_by_one(_RED)
    orange_steps: Ladder = _one_by_one(_RED[:3])
    two_parties_for_red: bool = False
    red_stale_s: Seconds = 14400
    orange_stale_s: Seconds = 86400
    nudge_s: float = Field(default=1800, ge=0, allow_inf_nan=False)
    follow_up_hours: Annotated[tuple[int, ...], AfterValidator(_rising)] = (24, 72, 168)
    link_hours: float = Field(default=72, gt=0, le=720, allow_inf_nan=False)
    fallback_after_attempts: int = Field(default=2, ge=1)
    heartbeat_url: Url = ""


class Audit(Section):
    """Who hears that the service itself is in trouble, past the outbox."""

    alarm_emails: tuple[str, ...] = ()


class Rota(Section):
    """Day and night, and which days are worked. Who is on duty is imported, see docs/rota-and-ways.md."""

    day_hours: Annotated[str, AfterValidator(_hours)] = "08:00-18:00"
    copy_at: Annotated[str, AfterValidator(_hour)] = "07:30"
    report_at: Annotated[str, AfterValidator(_hour)] = "08:00"
    handover: bool = True
    holidays: tuple[Day, ...] = ()
    workdays: tuple[Day, ...] = ()

    @property
    def day(self) -> tuple[time, time]:
        """When the day starts and ends, in the school's zone."""
        start, end = (time.fromisoformat(part) for part in self.day_hours.split("-"))
        return start, end


class Reminders(Section):
    """The season's reminders."""

    enabled: bool = True
    quiet_hours: Annotated[str, AfterValidator(_hours)] = "22:00-08:00"
    reserve: int = Field(default=2, ge=0, le=4)

    @property
    def quiet(self) -> tuple[time, time]:
        """When quiet hours start and end, in the school's zone."""
        start, end = (time.fromisoformat(part) for part in self.quiet_hours.split("-"))
        return start, end


class Students(Section):
    """Binding a student's phone."""

    code_days: int = Field(default=14, ge=1, le=30)
    code_tries: int = Field(default=5, ge=1, le=20)
    lock_minutes: int = Field(default=60, ge=1, le=1440)


class BroadcastTemplate(Section):
    """A template of the official account: `fields` are its fields with {title}, {text}, {date} or words of our own.

    `characters` is how many a field may have; of a longer text the student is told and gets the whole when they write.
    """

    id: str = Field(min_length=1)
    kind: Literal["template", "subscribe"] = "template"
    fields: dict[str, str] = {}
    characters: int = Field(default=20, ge=5, le=200)


class Broadcast(Section):
    """Notices to many."""

    approve_above: int = Field(default=50, ge=0)
    daily_cap: int = Field(default=2, ge=1, le=20)
    misfire_minutes: int = Field(default=30, ge=1, le=10080)
    hold_days: int = Field(default=14, ge=1, le=90)
    use_mass: bool = True
    student_userids: bool = False
    templates: dict[str, BroadcastTemplate] = {}


class Knowledge(Section):
    """The entries."""

    folder: str = "knowledge/data"


class Settings(Section):
    """All of config.yaml."""

    school: School = School()
    server: Server = Server()
    database: DatabaseSection = DatabaseSection()
    redis: Redis = Redis()
    wechat: WeChat = WeChat()
    wecom: WeCom = WeCom()
    relay: Relay = Relay()
    email: Email = Email()
    sms: Sms = Sms()
    security: Security = Security()
    limits: Limits = Limits()
    outbox: OutboxSection = OutboxSection()
    escalation: Escalation = Escalation()
    audit: Audit = Audit()
    rota: Rota = Rota()
    reminders: Reminders = Reminders()
    students: Students = Students()
    broadcast: Broadcast = Broadcast()
    knowledge: Knowledge = Knowledge()

    @property
    def simulated(self) -> bool:
        """True if the simulator stands in for WeChat and WeCom: development without an account."""
        return self.server.mode == "development" and not self.wechat.app_id

    @property
    def has_robot(self) -> bool:
        """True if there is a group robot of any platform."""
        return bool(self.wecom.robot_webhooks or self.relay.dingtalk_webhooks or self.relay.feishu_webhooks)

    @property
    def public_url(self) -> str:
        """The address under which others reach this server, without a slash at the end."""
        return self.server.public_url or f"http://{self.server.host}:{self.server.port}"

    def with_values(self, **sections: dict[str, Any]) -> "Settings":
        """A copy in which the named sections have the given keys replaced, validated again."""
        data: dict[str, dict[str, Any]] = {name: getattr(self, name).model_dump() for name in type(self).model_fields}
        for name, values in sections.items():
            data[name] |= values
        return Settings.model_validate(data)
