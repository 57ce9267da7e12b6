"""First checks of an installation: each says what is wrong and how to mend it. Printing is the command's work."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.exc import SQLAlchemyError

from bot.beats import find_beats
from bot.bootstrap import Application
from bot.channel.errors import SendError
from bot.channel.messages import Source
from bot.escalation.audit import WORKER
from bot.escalation.ways import ORDER
from bot.maintenance import find_maintenance
from bot.migrations import is_current
from bot.staff.models import Role

_SILENT = timedelta(seconds=60)
_SHOWN_FAULTS = 3
_SHOWN_STAFF = 10
_FEWEST_WAYS = 2
_TOLD = (Role.COUNSELOR, Role.COLLEGE_LEAD, Role.STUDENT_AFFAIRS, Role.PSYCHOLOGY)
_WAY_NAMES = {Source.WECOM: "企业微信", Source.ROBOT: "群机器人", Source.EMAIL: "邮件", Source.SMS: "短信"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, whether all is well, and what to know or do."""

    name: str
    ok: bool
    words: str


def examine(application: Application) -> Iterator[Finding]:
    """All checks, one after the other; one that fails does not keep the others from running."""
    checks: tuple[tuple[str, Callable[[Application], Finding]], ...] = (
        ("数据库", _database),
        ("微信令牌", _wechat_token),
        ("企业微信令牌", _wecom_token),
        ("教职工", _staff),
        ("值班表", _rota),
        ("联系方式", _reachable),
        ("通知方式", _ways),
        ("准时", _on_time),
        ("知识库", _knowledge),
        ("提醒日历", _calendar),
        ("worker", _worker),
        ("未投递", _spool),
        ("维护模式", _maintenance),
    )
    for name, check in checks:
        try:
            yield check(application)
        except SQLAlchemyError as error:
            yield Finding(name, ok=False, words=f"数据库不可用（{type(error).__name__}）；先运行 flask db upgrade")


def _database(application: Application) -> Finding:
    if is_current(application.database, application.root):
        return Finding("数据库", ok=True, words="可用，结构是最新的")
    return Finding("数据库", ok=False, words="结构不是最新的；运行 flask db upgrade")


def _wechat_token(application: Application) -> Finding:
    return _token(
        application, Source.WECHAT, "微信令牌", "核对 wechat.app_id、wechat.app_secret 和公众平台的 IP 白名单"
    )


def _wecom_token(application: Application) -> Finding:
    if Source.WECOM not in application.channels:
        return Finding("企业微信令牌", ok=True, words="没有配置企业微信，警报走别的方式")
    return _token(application, Source.WECOM, "企业微信令牌", "核对 wecom.corp_id、wecom.secret 和可信 IP")


def _token(application: Application, source: Source, name: str, mend: str) -> Finding:
    try:
        application.check_token(source)
    except SendError as error:
        return Finding(name, ok=False, words=f"取不到：{error}；{mend}")
    return Finding(name, ok=True, words="取到了")


def _staff(application: Application) -> Finding:
    with application.database.read() as session:
        counselors = application.directory.with_role(session, Role.COUNSELOR)
    reachable = sum(bool(person.wecom_userid) for person in counselors)
    if reachable:
        return Finding("教职工", ok=True, words=f"{len(counselors)} 位辅导员，{reachable} 位能收到卡片")
    if application.settings.wecom.robot_webhooks:
        return Finding(
            "教职工", ok=False, words="没有能收到卡片的辅导员，警报只会到群里；运行 flask staff import 名单.csv"
        )
    words = "没有人能收到警报；运行 flask staff import 名单.csv，并设置 wecom.robot_webhooks"
    return Finding("教职工", ok=False, words=words)


def _rota(application: Application) -> Finding:
    zone, now = application.settings.school.zone, application.clock.now()
    with application.database.read() as session:
        gaps = application.rota.find_gaps(session, now)
    until = (now + timedelta(days=14)).astimezone(zone).date()
    calendar = "" if application.workdays.is_known(until) else f"；{until.year} 年放假安排还没有，填 rota.holidays"
    if not gaps:
        words = f"今后 14 天没有空班（没有值班表时全体辅导员值班）{calendar}"
        return Finding("值班表", ok=True, words=words)
    first = gaps[0]
    span = f"{first.starts_at.astimezone(zone):%m-%d %H:%M} 到 {first.ends_at.astimezone(zone):%m-%d %H:%M}"
    words = f"有 {len(gaps)} 段空班，最近 {first.college}{span}"
    return Finding("值班表", ok=False, words=f"{words}；补好后 flask rota import 值班.csv{calendar}")


def _reachable(application: Application) -> Finding:
    """Whoever may be told of an alert has at least one way of their own."""
    with application.database.read() as session:
        people = [person for role in _TOLD for person in application.directory.with_role(session, role)]
    missing = [person.staff_no for person in people if not application.reaching.can_reach(person)]
    if not missing:
        return Finding("联系方式", ok=True, words=f"{len(people)} 位收警报的老师都有能用的联系方式")
    shown = "、".join(missing[:_SHOWN_STAFF])
    mend = "补名单里的企业微信账号、邮箱、手机号，再 flask staff import"
    words = f"{len(missing)} 位老师没有任何能用的联系方式：{shown}；{mend}"
    return Finding("联系方式", ok=False, words=words)


def _ways(application: Application) -> Finding:
    configured = [_WAY_NAMES[way] for way in ORDER if way in application.reaching.configured]
    missing = [_WAY_NAMES[way] for way in ORDER if way not in application.reaching.configured]
    named = " → ".join(configured) or "一种也没有"
    if len(configured) < _FEWEST_WAYS:
        words = f"只有：{named}；它不通时没有人知道。再配置一种：{'、'.join(missing)}（docs/rota-and-ways.md）"
        return Finding("通知方式", ok=False, words=words)
    watchdog = (
        "" if application.settings.escalation.heartbeat_url else "；没有 escalation.heartbeat_url，整台机器停了没人知道"
    )
    return Finding("通知方式", ok=True, words=f"{named}{watchdog}")


def _on_time(application: Application) -> Finding:
    faults = [fault for fault in application.auditor.look(is_worker_needed=False) if fault.about != WORKER]
    if faults:
        return Finding(
            "准时", ok=False, words=f"{'；'.join(map(str, faults[:_SHOWN_FAULTS]))}；先打电话给值班老师，再看 worker"
        )
    return Finding("准时", ok=True, words="没有晚了的警报，没有卡住的循环")


def _knowledge(application: Application) -> Finding:
    living = application.knowledge
    if not living.faults:
        return Finding("知识库", ok=True, words=f"{len(living.current().entries)} 个条目，是最新的")
    shown = "；".join(map(str, living.faults[:_SHOWN_FAULTS]))
    words = f"{len(living.faults)} 处错误，改动没有启用，上一版照常回答：{shown}；改好后自动启用（flask kb lint）"
    return Finding("知识库", ok=False, words=words)


def _calendar(application: Application) -> Finding:
    service = application.reminders
    missing = sorted({day for one in service.series if (day := service.schedule.missing_day(one))})
    if missing:
        words = f"日期还空着：{'、'.join(missing)}；填进 knowledge/data/school/calendar.yaml，否则相关提醒不发"
        return Finding("提醒日历", ok=False, words=words)
    return Finding("提醒日历", ok=True, words=f"{len(service.series)} 个系列都有时间")


def _worker(application: Application) -> Finding:
    with application.database.read() as session:
        at = find_beats(session).get("worker")
    if at is None or application.clock.now() - at > _SILENT:
        return Finding("worker", ok=False, words="没有在运行，警报和提醒发不出去；运行 flask worker")
    return Finding("worker", ok=True, words="在运行")


def _spool(application: Application) -> Finding:
    waiting = application.spool.waiting()
    if waiting:
        return Finding("未投递", ok=False, words=f"{waiting} 条消息在磁盘上等数据库；确认数据库可用、worker 在运行")
    return Finding("未投递", ok=True, words="没有消息滞留在磁盘上")


def _maintenance(application: Application) -> Finding:
    with application.database.read() as session:
        found = find_maintenance(session)
    if found is None:
        return Finding("维护模式", ok=True, words="没有开")
    since = found.since.astimezone(application.settings.school.zone)
    words = f"{since:%m-%d %H:%M} 起开着，学生的问题没有回答；做完了运行 flask maintenance off"
    return Finding("维护模式", ok=False, words=words)
