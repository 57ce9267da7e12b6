"""`flask menu` against the emulated platform over HTTP: pushed, read back, compared, and every refusal in Chinese."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from support.world import ROOT, LoopbackServer, settings_for, simulator_settings

from bot.bootstrap import Application
from bot.cli import register_commands
from bot.clock import Chance, FakeClock
from bot.migrations import upgrade
from bot.simulator.app import create_simulator_app
from bot.simulator.simulator import Simulator
from handlers.menu import MENU

Run = Callable[..., Result]


@pytest.fixture
def platform(clock: FakeClock) -> Iterator[tuple[Simulator, str]]:
    """The emulator with no menu yet."""
    server = LoopbackServer()
    settings = settings_for("sqlite:///unused.db", server.url)
    simulator = Simulator(simulator_settings(settings, server.url), clock, Chance(clock, seed=3))
    simulator._menu.delete()
    server.app = create_simulator_app(simulator)
    yield simulator, server.url
    simulator.close()
    server.close()


def runner(url: str, folder: Path, clock: FakeClock, **wechat: Any) -> tuple[Application, Run]:
    settings = settings_for(f"sqlite:///{folder / 'menu.db'}", url).with_values(wechat=wechat)
    application = Application(settings=settings, clock=clock, root=ROOT, folder=folder)
    upgrade(application.database, ROOT)
    app = Flask("menu")
    app.extensions["lixiao"] = application
    register_commands(app)
    return application, lambda *words: app.test_cli_runner().invoke(args=["menu", *words])


@pytest.fixture
def run(platform: tuple[Simulator, str], tmp_path: Path, clock: FakeClock) -> Iterator[Run]:
    application, run = runner(platform[1], tmp_path, clock)
    yield run
    application.database.dispose()


def test_pushed_and_the_same(platform: tuple[Simulator, str], run: Run) -> None:
    assert run("show").output == "平台上还没有菜单。\n"
    before = run("diff")
    assert (before.exit_code, before.output.count("平台上没有：")) == (
        1,
        sum(len(one["sub_button"]) for one in MENU["button"]),
    )
    pushed = run("push")
    assert (pushed.exit_code, pushed.output) == (0, "菜单已更新，读回来核对一致。\n")
    assert platform[0].menu == MENU
    after = run("diff")
    assert (after.exit_code, after.output) == (0, "一样。\n")
    assert "  订阅提醒　click subscribe" in run("show").output


def test_what_somebody_changed_on_the_platform_is_named(platform: tuple[Simulator, str], run: Run) -> None:
    run("push")
    fields = platform[0].menu
    platform[0]._menu.fields = {"button": fields["button"][:2]}
    found = run("diff")
    assert found.exit_code == 1
    assert "平台上没有：找人帮忙 › 找老师" in found.output
    assert "flask menu push" in found.output


def test_a_platform_that_keeps_something_else_is_an_error(
    platform: tuple[Simulator, str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform[0]._menu, "create", lambda _fields: None)
    pushed = run("push")
    assert pushed.exit_code == 1
    assert "平台收下了，但读回来不一样" in pushed.output


def test_refusals_say_what_to_do(platform: tuple[Simulator, str], tmp_path: Path, clock: FakeClock) -> None:
    application, run = runner(platform[1], tmp_path, clock, app_secret="not-the-secret")
    refused = run("push")
    assert refused.exit_code == 1
    assert "AppSecret 不对" in refused.output
    assert "Traceback" not in refused.output
    application.database.dispose()


def test_nobody_there_and_nothing_configured(tmp_path: Path, clock: FakeClock) -> None:
    application, run = runner("http://127.0.0.1:9", tmp_path, clock)
    assert "平台没有正常答复（unreachable）" in run("diff").output
    application.database.dispose()
    application, run = runner("http://127.0.0.1:9", tmp_path, clock, app_id="")
    assert "还没有配置公众号" in run("show").output
    application.database.dispose()


def test_a_menu_with_faults_is_not_sent(platform: tuple[Simulator, str], tmp_path: Path, clock: FakeClock) -> None:
    application, run = runner(platform[1], tmp_path, clock)
    application.__dict__["menu"] = {"button": [{"name": "一二三四五六", "type": "click", "key": "k"}]}
    pushed = run("push")
    assert pushed.exit_code == 1
    assert "名称“一二三四五六”有 18 字节" in pushed.output
    assert platform[0].journal.calls(path="menu/create") == []
    application.database.dispose()
