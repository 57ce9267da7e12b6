"""The controls behind the phone page, over real HTTP."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import requests
from flask import Flask, Response
from support.platforms import Platforms, platforms, settings

from bot.clock import Chance, FakeClock, ShiftedClock, SystemClock
from bot.simulator.app import create_blueprint
from bot.simulator.simulator import Simulator

MENU = {"button": [{"type": "click", "name": "问", "key": "ask"}]}


@pytest.fixture
def world(clock: FakeClock) -> Iterator[Platforms]:
    with platforms(clock, menu=MENU) as made:
        yield made


def test_the_state_is_what_the_page_reads(world: Platforms) -> None:
    student = world.simulator.student("李同学")
    student.follow()
    world.simulator.staff_phone("wang", "王老师")
    state = world.control("state", method="GET").json()
    assert datetime.fromisoformat(state["now"]).utcoffset() is not None
    assert state.keys() == {"now", "version", "account", "menu", "students", "staff", "robots", "faults"}
    assert state["menu"] == MENU
    first = state["students"][0]
    assert [one["name"] for one in state["students"]] == ["李同学", "王同学", "赵同学"]
    assert (first["following"], first["unread"], first["window"]["left"]) == (True, 1, 3)
    assert [(one["from"], one["kind"]) for one in first["messages"]] == [("system", "event"), ("account", "text")]
    assert state["students"][1]["window"] == {"closes_at": None, "left": 0}
    assert state["staff"] == [{"userid": "wang", "name": "王老师", "dropped": 0, "messages": []}]
    assert state["robots"] == [{"key": "robot", "name": "值班老师群", "messages": []}]


def test_each_action_of_a_student_tells_how_the_round_went(world: Platforms) -> None:
    openid = world.control("students", {"name": "孙同学"}).json()["openid"]
    here = f"students/{openid}"
    assert world.control(f"{here}/follow").json() == {"replies": ["你说：event"], "tries": 1, "status": "answered"}
    assert world.control(f"{here}/text", {"text": "在吗"}).json()["replies"] == ["你说：在吗"]
    assert world.control(f"{here}/voice", {"text": "在吗"}).json()["status"] == "answered"
    assert world.control(f"{here}/image", {}).json()["replies"] == ["你说：image"]
    assert world.control(f"{here}/click", {"key": "ask"}).json()["status"] == "answered"
    assert world.control(f"{here}/scan", {"scene": "bind-1"}).json()["status"] == "answered"
    world.bot.raw = [lambda: Response(status=500)] * 3
    failed = world.control(f"{here}/text", {"text": "在吗"}).json()
    assert (failed["tries"], failed["status"]) == (3, "failed")
    assert world.control(f"{here}/unfollow").json()["replies"] == []


def test_staff_write_and_press(world: Platforms) -> None:
    world.control("staff", {"userid": "wang", "name": "王老师"})
    assert world.control("staff/wang/text", {"text": "收到"}).json() == {"replies": [], "tries": 1, "status": "empty"}
    client, buttons = world.wecom_client(), [{"key": "ack", "text": "我来处理"}]
    fields = {"card_type": "button_interaction", "main_title": {"title": "A1"}, "task_id": "1", "button_list": buttons}
    client.message.send(1000002, "wang", msg={"msgtype": "template_card", "template_card": fields})
    card = world.control("state", method="GET").json()["staff"][0]["messages"][-1]
    assert card["buttons"] == [{"key": "ack", "text": "我来处理", "primary": True}]
    assert world.control("staff/wang/press", {"message": card["id"], "key": "ack"}).json()["status"] == "empty"
    again = world.control("staff/wang/press", {"message": card["id"], "key": "ack"})
    assert (again.status_code, again.json()["error"]) == (409, "这张卡片已经处理过了")


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("students", {}, 400, "请填写 name"),
        ("students", {"name": "名" * 21}, 400, "最长 20"),
        ("students", None, 400, "JSON"),
        ("students/nobody/follow", {}, 404, "没有这个人"),
        ("students/OPENID/text", {"text": "在吗"}, 409, "还没有关注"),
        ("students/OPENID/dance", {}, 409, "没有这个操作"),
        ("staff/nobody/text", {"text": "在吗"}, 404, "没有这个人"),
        ("time", {"advance_s": "soon"}, 400, "秒数"),
        ("time", {"advance_s": -1}, 400, "秒数"),
        ("time", {"reset": True}, 409, "复位"),
        ("faults", {"host": "wechat"}, 409, "什么故障"),
        ("faults", {"drop": True}, 400, "host"),
        ("faults", {"host": "wechat", "drop": True, "delay_s": "x"}, 400, "数字"),
        ("faults", {"host": "wechat", "bang": True}, 400, "bang"),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    world: Platforms, path: str, body: object, status: int, words: str
) -> None:
    openid = next(iter(world.simulator.students))
    answer = world.control(path.replace("OPENID", openid), body)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_time_faults_and_tokens(world: Platforms, clock: FakeClock) -> None:
    before = clock.now()
    now = world.control("time", {"advance_s": 3600}).json()["now"]
    assert datetime.fromisoformat(now) == clock.now()
    assert (clock.now() - before).total_seconds() == 3600
    made = world.control("faults", {"host": "wecom", "path": "message/send", "errcode": 45009, "times": 2}).json()
    faults = world.control("state", method="GET").json()["faults"]
    assert [(one["id"], one["errcode"], one["times"]) for one in faults] == [(made["id"], 45009, 2)]
    assert world.control("faults", method="DELETE").json() == {}
    assert world.control("state", method="GET").json()["faults"] == []
    client = world.wechat_client()
    client.menu.get()
    world.control("expire-tokens", {})
    client.menu.get()
    assert world.simulator.token_fetches == 2
    assert world.control("verify", {}).json() == {
        "wechat": {"ok": True, "detail": ""},
        "wecom": {"ok": True, "detail": ""},
    }


def test_a_shifted_clock_goes_forward_and_back(tmp_path: Path) -> None:
    with platforms(ShiftedClock(tmp_path / "clock.json")) as world:
        world.control("time", {"advance_s": 86400})
        assert (world.simulator.state.now() - SystemClock().now()).total_seconds() > 86000
        world.control("time", {"reset": True})
        assert (world.simulator.state.now() - SystemClock().now()).total_seconds() < 5


def test_the_machines_own_clock_cannot_be_moved() -> None:
    with platforms(SystemClock()) as world:
        answer = world.control("time", {"advance_s": 1})
        assert (answer.status_code, answer.json()["error"]) == (409, "现在用的是机器自己的时钟，不能拨")


def test_each_change_is_news(world: Platforms) -> None:
    with requests.get(f"{world.url}/simulator/control/events", stream=True, timeout=10) as stream:
        assert stream.headers["Content-Type"].startswith("text/event-stream")
        lines = (line for line in stream.iter_lines(chunk_size=1, decode_unicode=True) if line)
        first = json.loads(next(lines).removeprefix("data: "))["version"]
        world.simulator.add_student("孙同学")
        assert json.loads(next(lines).removeprefix("data: "))["version"] > first
        world.simulator.close()


def test_the_page_and_its_absence(world: Platforms, tmp_path: Path) -> None:
    page = requests.get(f"{world.url}/simulator/", timeout=10)
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert requests.get(f"{world.url}/simulator/static/nothing.js", timeout=10).status_code == 404
    app = Flask("bare", static_folder=None)
    app.register_blueprint(create_blueprint(world.simulator, page=tmp_path))
    bare = app.test_client().get("/simulator/")
    assert (bare.status_code, "没有安装手机页面" in bare.text) == (200, True)


def test_a_chat_of_thousands_stays_small_on_the_page(clock: FakeClock) -> None:
    simulator = Simulator(settings(), clock, Chance(clock))
    student = simulator.student("李同学", following=True)
    for number in range(1000):
        student.show("account", "text", str(number))
    app = Flask("bare", static_folder=None)
    app.register_blueprint(create_blueprint(simulator))
    state = app.test_client().get("/simulator/control/state").get_json()
    assert len(state["students"][0]["messages"]) == 200
    assert state["students"][0]["messages"][-1]["text"] == "999"
