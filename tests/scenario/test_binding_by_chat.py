"""Binding over real HTTP: a code in a message, a code in a picture, wrong ones, a second phone, unbinding."""

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select
from support.world import World

from bot.cli.students import students as commands
from bot.escalation.records import AlertRecord
from bot.students.models import Student

LI = Student("2023001", "李同学", "体育教育学院", class_name="2023级4班", phone="13800000001")
WANG = Student("2023002", "王同学", "运动康复学院")


@pytest.fixture
def world(world: World) -> World:
    world.enrols(LI, WANG)
    return world


def bound(world: World) -> dict[str, str]:
    return {one.student_no: one.contact for one in world.application.register.everybody() if one.contact}


def test_a_student_binds_with_the_code_of_the_college(world: World) -> None:
    student = world.student("李同学")
    student.writes("绑定")
    student.expects("10 位字母数字", "学院辅导员", "不需要学校账号的密码")
    student.writes(f"绑定 {world.hands_out('2023001')}")
    text = student.expects("绑定好了", "体育教育学院 2023级4班", "尾号 3001")
    assert "李同学" not in text  # whoever holds the phone learns no name
    assert bound(world) == {"2023001": student.chat.openid}
    student.writes("怎么绑定")
    student.expects("已经绑定：体育教育学院")
    world.no_other_messages()


def test_a_code_alone_is_enough_and_is_good_once(world: World) -> None:
    code = world.hands_out("2023001")
    student, other = world.student("李同学"), world.student("王同学")
    student.writes(code.lower())
    student.expects("绑定好了")
    student.writes(code)
    student.expects("已经绑定过了")
    other.writes(f"绑定{code}")
    other.expects("已经用过了", "向学院要一个新的")
    other.writes(f"绑定：{world.hands_out('2023001')}")
    other.expects("一个学号只能绑定一个", "原来的微信", "学院老师")
    assert bound(world) == {"2023001": student.chat.openid}
    world.no_other_messages()


def test_wrong_codes_lock_and_the_lock_ends(world: World) -> None:
    student = world.student("李同学")
    for left in (4, 3, 2, 1):
        student.writes("绑定 ZZZZZ-ZZZZZ")
        student.expects("绑定码不对", f"还能试 {left} 次", "不是学号")
    student.writes("绑定 2023001")
    student.expects("6月8日 13:00 以前不能再试")
    student.writes(f"绑定 {world.hands_out('2023001')}")
    student.expects("以前不能再试")
    student.writes("档案怎么转")
    student.expects("接收单位")
    world.clock.advance(timedelta(hours=1))
    student.writes(f"绑定 {world.hands_out('2023001')}")
    student.expects("绑定好了")


def test_following_by_the_colleges_picture_binds_at_once(world: World) -> None:
    """A new follower sends subscribe with qrscene_, who follows already sends SCAN."""
    new = world.student("李同学", following=False)
    new.chat.scans(f"bind_{world.hands_out('2023001').replace('-', '')}")
    new.expects("离校小助手", "我是程序", "绑定好了：体育教育学院")
    follower = world.student("王同学")
    follower.chat.scans(f"bind_{world.hands_out('2023002')}")
    follower.expects("绑定好了：运动康复学院")
    follower.chat.scans("bind_ZZZZZZZZZZ")
    follower.expects("绑定码不对")
    follower.chat.scans("poster-7")
    follower.expects("离校小助手")
    assert bound(world) == {"2023001": new.chat.openid, "2023002": follower.chat.openid}
    world.no_other_messages()


def test_unbinding_asks_first(world: World) -> None:
    student = world.student("李同学")
    student.writes("解绑")
    student.expects("还没有绑定")
    student.writes(f"绑定 {world.hands_out('2023001')}")
    student.expects("绑定好了")
    student.writes("确认解绑")
    student.expects()  # nobody has asked
    assert bound(world)
    student.writes("解绑")
    student.expects("10 分钟内回：确认解绑")
    student.writes("档案怎么转")
    student.expects()
    student.writes("确认")
    student.expects()  # something else was said in between
    assert bound(world)
    student.writes("解绑")
    student.expects("确认解绑")
    world.clock.advance(timedelta(minutes=11))
    student.writes("确认解绑")
    student.expects()
    assert bound(world)
    student.writes("解绑")
    student.expects("确认解绑")
    student.writes("确认解绑")
    student.expects("已经解绑")
    assert bound(world) == {}


@pytest.mark.parametrize(
    "words", ["绑定 {code} 我不想活了", "绑定不了，我想死", "解绑吧，今晚我就跳楼", "我的数据都删了吧，我不想活了"]
)
def test_distress_in_such_a_text_is_seen_first(world: World, words: str) -> None:
    student = world.student("李同学")
    student.writes(words.format(code=world.hands_out("2023001")))
    student.expects("12356")
    assert bound(world) == {}
    with world.application.database.read() as session:
        assert session.scalar(select(func.count()).select_from(AlertRecord)) == 1


def test_a_retried_code_is_used_once_and_answered_alike(world: World) -> None:
    student = world.student("李同学")
    world.simulator.faults.add("callback", "wechat", drop=True, times=2)
    done = student.writes(f"绑定 {world.hands_out('2023001')}")
    assert done.tries == 3
    student.expects("绑定好了")
    world.no_other_messages()


class TestHandingOut:
    @pytest.fixture
    def run(self, world: World):
        app = Flask(__name__)
        app.extensions["lixiao"] = world.application
        app.cli.add_command(commands)
        return lambda *words, said=None: app.test_cli_runner().invoke(
            args=["students", *map(str, words)], input=said, catch_exceptions=False
        )

    def test_the_file_of_a_college_binds_its_students(self, world: World, run, tmp_path: Path) -> None:
        out = tmp_path / "codes.csv"
        result = run("codes", "--college", "体育教育学院", "--out", out)
        assert "发了 1 个绑定码" in result.output
        header, row = out.read_text("utf-8-sig").splitlines()
        assert header == "学号,班级,绑定码,有效期至"
        number, class_name, code, until = row.split(",")
        assert (number, class_name, until) == ("2023001", "2023级4班", "2027-06-22 12:00")
        assert out.stat().st_mode & 0o777 == 0o600
        assert code not in result.output
        student = world.student("李同学")
        student.writes(f"绑定 {code}")
        student.expects("绑定好了")
        again = run("codes", "--college", "体育教育学院", "--out", tmp_path / "more.csv")
        assert "已经绑定的 1 人不发码" in again.output
        assert again.exit_code == 1
        assert not (tmp_path / "more.csv").exists()

    def test_codes_in_a_picture_come_from_the_platform(self, world: World, run, tmp_path: Path) -> None:
        out = tmp_path / "codes.csv"
        assert run("codes", "--student", "2023001", "--qr", "--out", out).exit_code == 0
        header, row = out.read_text("utf-8-sig").splitlines()
        assert header.endswith("二维码内容")
        assert row.split(",")[-1].startswith("http://weixin.qq.com/q/")
        (call,) = [one for one in world.simulator.journal.calls() if "qrcode/create" in one.path]
        assert call.errcode == 0

    def test_when_the_platform_makes_none_nothing_is_handed_out(self, world: World, run, tmp_path: Path) -> None:
        kept = world.hands_out("2023001")
        world.simulator.faults.add("wechat", "qrcode/create", errcode=45009)
        result = run("codes", "--student", "2023001", "--qr", "--yes", "--out", tmp_path / "codes.csv")
        assert result.exit_code == 1
        assert "一个码也没有发" in result.output
        student = world.student("李同学")
        student.writes(f"绑定 {kept}")
        student.expects("绑定好了")

    def test_handing_out_again_asks_because_the_first_become_useless(self, world: World, run, tmp_path: Path) -> None:
        first = world.hands_out("2023001")
        out = tmp_path / "codes.csv"
        refused = run("codes", "--college", "体育教育学院", "--out", out, said="n\n")
        assert "1 人手里还有没用过的码" in refused.output
        assert not out.exists()
        assert run("codes", "--college", "体育教育学院", "--out", out, said="y\n").exit_code == 0
        student = world.student("李同学")
        student.writes(f"绑定 {first}")
        student.expects("绑定码不对")

    @pytest.mark.parametrize(
        ("words", "fault"),
        [
            (("--college", "没有"), "名单里的学院：体育教育学院、运动康复学院"),
            (("--student", "999"), "名单里没有这些学号：999"),
            ((), "请用 --college"),
            (("--college", "体育教育学院", "--student", "2023001"), "请用 --college"),
        ],
    )
    def test_what_is_wrong_is_said(self, run, tmp_path: Path, words: tuple[str, ...], fault: str) -> None:
        result = run("codes", *words, "--out", tmp_path / "codes.csv")
        assert result.exit_code != 0
        assert fault in result.output

    def test_a_file_that_is_there_is_kept(self, run, tmp_path: Path) -> None:
        (tmp_path / "codes.csv").write_text("x")
        assert "已经存在" in run("codes", "--student", "2023001", "--out", tmp_path / "codes.csv").output
        assert (tmp_path / "codes.csv").read_text() == "x"

    def test_the_college_unbinds_who_lost_the_phone(self, world: World, run) -> None:
        student, new = world.student("李同学"), world.student("新手机")
        student.writes(f"绑定 {world.hands_out('2023001')}")
        student.expects("绑定好了")
        assert "核对过是本人" in run("unbind", "2023001", said="n\n").output
        assert bound(world)
        assert run("unbind", "2023001", "--yes").exit_code == 0
        assert "没有绑定微信" in run("unbind", "2023001", "--yes").output
        new.writes(f"绑定 {world.hands_out('2023001')}")
        new.expects("绑定好了")
