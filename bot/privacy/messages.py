"""What a student reads about what is stored: all of it, in plain words, and what deleting does. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from bot.privacy.models import Open, Stock
from bot.students.models import Student

_DELETE = "删除我的数据"
CONFIRM = "确认删除"


def stored(stock: Stock, zone: ZoneInfo, *, school: str, days: int) -> str:
    """The answer to 我的数据. `days` is how long words are kept."""
    parts = [
        f"{school}离校小助手里存着你的这些：",
        f"【微信标识】{_day(stock.since, zone)}起有，用来回你的消息。看不到你的微信号、头像和好友。",
        _profile(stock.student, zone),
        _words(stock, zone, days),
        *_people(stock, days),
        *_small_things(stock),
        (
            "【谁能看到】平时没有人看，话、姓名、手机号都加密存放。只有两种情况老师会看到："
            f"你要找老师，或者你的话让人担心你的安全{_named(stock)}。"
            "不给学校以外的人，不做别的用途；法律要求的除外。"
        ),
        f"我是程序，不是真人。\n想删：回“{_DELETE}”。只解除学号：回“解绑”。资料不对、还有疑问：回“人工”。",
    ]
    if stock.erasing:
        parts.insert(1, "你要求的删除正在进行，下面是还没删完的。")
    return "\n\n".join(parts)


def confirm(stock: Stock) -> str:
    """Asks before deleting; says what goes and what stays."""
    goes = ["你写的话和我的回答", "发给你的消息的内容"]
    if stock.student is not None:
        goes.append("这个微信和学号的绑定")
    if stock.plan_steps:
        goes.append("写下的安全计划")
    if stock.closed_cases:
        goes.append("已办完的诉求里的话")
    gone = "\n".join(f"· {one}" for one in goes)
    return (
        f"会删掉（删了找不回来）：\n{gone}\n\n会留着：\n{_stays(stock.open)}\n\n"
        f"确定的话，10 分钟内回：{CONFIRM}\n不想删，不用理会。"
    )


def erased(still_open: Open) -> str:
    """The words are gone. Whoever has an open alert hears that people are still there."""
    rest = "最近几分钟的消息（包括这一句）一小时内删净。"
    text = f"已经删了。{rest}\n\n还留着：\n{_stays(still_open)}\n\n你可以随时接着问我，也可以取消关注。"
    if still_open.alerts:
        text += "\n老师还在关心你。难受的时候，随时写给我，或回“心理热线”。"
    return text


def _stays(still_open: Open) -> str:
    lines = [
        *(f"· A{number}：你说过的话让老师担心，老师还在跟进，结束后自动删掉里面的话" for number in still_open.alerts),
        *(f"· C{number}：你找老师的事还没办完，办完后自动删掉里面的话" for number in still_open.cases),
        "· 学校名单里的资料：是学校提供的，想改想删请找学院",
        "· 微信标识、退订的选择、订阅的次数、给过你哪些提醒：没有它们，就没法回你，提醒也会又发给你",
        "· 办过的事的编号和时间，没有话；几位同学写在一起的工作名单，到期才删",
    ]
    return "\n".join(lines)


def _profile(student: Student | None, zone: ZoneInfo) -> str:
    if student is None:
        return "【学号】没有绑定，这里不知道你是谁。"
    yes_no = {True: "是", False: "否", None: ""}
    known = {
        "学号": student.student_no,
        "姓名": student.name,
        "学院": student.college,
        "班级": student.class_name,
        "学历层次": student.degree,
        "手机号": _masked(student.phone),
        "政治面貌": student.politics,
        "户口在校": yes_no[student.hukou_here],
        "贷款": yes_no[student.has_loan],
        "宿舍": student.dorm,
        "毕业去向": student.destination,
        "延长学制": yes_no[student.extended],
        "标签": "、".join(student.tags),
    }
    listed = "　".join(f"{name} {value}" for name, value in known.items() if value)
    at = f"{_day(student.bound_at, zone)}绑定。" if student.bound_at else ""
    return f"【学号】{at}学校名单里的资料：{listed}。是学校提供的，用来让提醒合你的情况；不对请找学院改。"


def _words(stock: Stock, zone: ZoneInfo, days: int) -> str:
    oldest = f"，最早 {_day(stock.oldest, zone)}" if stock.oldest else ""
    return (
        f"【话】你发来的消息和我的回答 {stock.messages} 条{oldest}；另外发给你的消息 {stock.deliveries} 条。"
        f"最多存 {days} 天，到期自动删。"
    )


def _people(stock: Stock, days: int) -> list[str]:
    """Cases and alerts, if there are any: what the numbers mean, and that closed ones are without words."""
    parts = []
    if stock.open.cases or stock.closed_cases:
        under_way = f"{'、'.join(f'C{number}' for number in stock.open.cases)} 还没办完；" if stock.open.cases else ""
        done = f"办完的 {stock.closed_cases} 件；" if stock.closed_cases else ""
        parts.append(f"【找老师】{under_way}{done}里面的话最多存 {days} 天，编号和时间留着。")
    if stock.open.alerts or stock.closed_alerts:
        numbers = "、".join(f"A{number}" for number in stock.open.alerts)
        under_way = f"{numbers}：你说过的话让老师担心，老师还在跟进。" if numbers else ""
        done = (
            f"已结束的 {stock.closed_alerts} 条，只有编号、时间和处理经过，话到期就删。" if stock.closed_alerts else ""
        )
        parts.append(f"【关心记录】{under_way}{done}")
    return parts


def _small_things(stock: Stock) -> list[str]:
    parts = []
    if stock.plan_steps:
        parts.append(f"【安全计划】写到第 {stock.plan_steps} 步，和你的话一起存、一起删。")
    if stock.opt_outs:
        parts.append(f"【退订】{'、'.join(stock.opt_outs)}。")
    if stock.reminders:
        parts.append(f"【提醒】哪天给过你哪条，{stock.reminders} 行，没有话，用来不重复发，到期自动删。")
    if stock.allowed:
        parts.append(f"【订阅】你点过“允许”、还没用的 {stock.allowed} 次。")
    return parts


def _named(stock: Stock) -> str:
    return "；那时他们也看到你的学院、班级和姓名" if stock.student is not None else ""


def _masked(phone: str) -> str:
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) > len("1234567") else "*" * len(phone)


def _day(at: datetime, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return f"{local.year}年{local.month}月{local.day}日"
