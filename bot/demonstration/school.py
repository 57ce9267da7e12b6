"""The people of the demonstration's school: students, staff and a rota, as the values that the imports read. Pure.

Nobody is real: every college says 演示, the names are put together by chance, and each telephone number begins with
1380000, the numbers that manuals print. (China has no range that is kept free for examples.)
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from bot.demonstration.dice import Dice
from bot.development import DEMONSTRATION_STAFF
from bot.staff.models import Role, Staff
from bot.students.models import Student

COLLEGES = (
    "体育教育训练学院（演示）",
    "体育休闲与旅游学院（演示）",
    "武术与表演学院（演示）",
    "管理与传播学院（演示）",
    "运动科学与健康学院（演示）",
)
ROTA_DAYS = 28
_CLASS_SIZE = 30
_MASTERS = 10  # one student in so many
_SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
_GIVEN = "晨曦雨桐浩然子涵思远佳怡明轩欣妍宇航若琳俊熙梦洁天翔诗雅志强丽娜文博静怡鹏飞晓彤家豪可馨泽楷安琪"
_STAFF_SURNAMES = "王刘陈杨赵黄周吴徐孙"
_LEADS = "张李胡朱高"
_OFFICES = ("图书馆", "财务处", "宿舍管理", "就业指导", "户籍办")
_POLITICS = {"团员": 62.0, "群众": 18.0, "党员": 11.0, "预备党员": 8.0, "其他": 1.0}
_DESTINATIONS = {
    "": 22.0,
    "就业": 30.0,
    "升学": 20.0,
    "未就业": 13.0,
    "灵活就业": 7.0,
    "入伍": 3.0,
    "出国": 3.0,
    "创业": 2.0,
}
_TAGS = ("校队", "学生干部", "经济困难", "少数民族", "西部计划")


def enrolled(number: int, graduation: int, dice: Dice) -> list[Student]:
    """`number` students who leave in the year `graduation`, spread over the colleges and their classes, by number."""
    students = []
    for index in range(number):
        college, place = index % len(COLLEGES), index // len(COLLEGES)
        is_master = place % _MASTERS == _MASTERS - 1
        entry = graduation - (3 if is_master else 4)
        group = f"硕士{1 + place // (_MASTERS * _CLASS_SIZE)}班" if is_master else f"{1 + place // _CLASS_SIZE}班"
        students.append(
            Student(
                student_no=f"D{entry}{college + 1:02}{place + 1:04}",
                name=_name(dice),
                college=COLLEGES[college],
                class_name=f"{entry}级{group}",
                degree="硕士" if is_master else "本科",
                phone=f"1380000{index % 9000:04}",
                politics=dice.weighted(_POLITICS),
                hukou_here=dice.happens(0.3),
                has_loan=dice.happens(0.18),
                dorm=f"{dice.between(1, 8)}号楼 {dice.between(1, 6)}{dice.between(1, 30):02}",
                destination=dice.weighted(_DESTINATIONS),
                extended=dice.happens(0.02),
                tags=(dice.pick(_TAGS),) if dice.happens(0.2) else (),
            )
        )
    return sorted(students, key=lambda one: one.student_no)


def employed(students: Sequence[Student]) -> list[Staff]:
    """Staff of every role: two counselors and a lead in each college, and the offices of the school."""
    first_counselor, first_lead = DEMONSTRATION_STAFF  # theirs are the phones of the simulator's page
    people: list[Staff] = []
    for place, college in enumerate(COLLEGES):
        classes = sorted({one.class_name for one in students if one.college == college})
        for half in (0, 1):
            surname = _STAFF_SURNAMES[2 * place + half]
            people.append(
                _member(
                    f"{surname}老师", Role.COUNSELOR, college, f"demo_counselor_{place + 1}_{half + 1}", len(people)
                )
            )
            people[-1] = replace(people[-1], classes=tuple(classes[half::2]))
        people.append(
            _member(f"{_LEADS[place]}副书记", Role.COLLEGE_LEAD, college, f"demo_lead_{place + 1}", len(people))
        )
    people[0] = replace(people[0], name=first_counselor.name, wecom_userid=first_counselor.wecom_userid)
    people[2] = replace(people[2], name=first_lead.name, wecom_userid=first_lead.wecom_userid)
    for surname in "何郭":
        people.append(_member(f"{surname}老师", Role.STUDENT_AFFAIRS, "", f"demo_affairs_{surname}", len(people)))
    for surname in "马罗":
        people.append(_member(f"{surname}老师", Role.PSYCHOLOGY, "", f"demo_psychology_{surname}", len(people)))
    for office in _OFFICES:
        people.append(_member(f"{office}经办", Role.STEP_HANDLER, "", "", len(people)))
    people.append(_member("信息中心管理员", Role.ADMIN, "", "demo_admin", len(people)))
    return people


def rota_rows(staff: Sequence[Staff], today: date, *, days_back: int) -> list[list[str]]:
    """日期,开始,结束,工号,学院 from `days_back` days ago to four weeks ahead, without a gap.

    The first counselor, whose phone the simulator's page shows, is on duty today.
    """
    counselors = [person for person in staff if person.role is Role.COUNSELOR]
    rows = []
    for offset in range(-days_back - 1, ROTA_DAYS):
        day = (today + timedelta(days=offset)).isoformat()
        by_day, by_night = counselors[offset % len(counselors)], counselors[(2 * offset) % len(counselors)]
        rows.append([day, "08:00", "20:00", by_day.staff_no, by_day.college])
        rows.append([day, "20:00", "08:00", by_night.staff_no, ""])
    return rows


def _member(name: str, role: Role, college: str, userid: str, place: int) -> Staff:
    number = f"D{place + 1:03}"
    return Staff(
        staff_no=number,
        name=f"{name}（演示）",
        role=role,
        college=college,
        wecom_userid=userid,
        phone=f"1380000{9001 + place}",
        email=f"{number.lower()}@example.edu.cn",
    )


def _name(dice: Dice) -> str:
    given = dice.between(0, len(_GIVEN) // 2 - 1) * 2
    return dice.pick(_SURNAMES) + _GIVEN[given : given + 2]
