"""Secrets of a development machine: made once, private, and only where none was configured."""

import base64
import stat
from pathlib import Path

from pydantic import SecretStr
from support.threads import run_together

from bot.development import with_development_secrets
from bot.settings import Settings


def test_every_empty_secret_has_a_value_and_keeps_it(tmp_path: Path):
    """The second start has the same secrets as the first, or nothing sealed by the first could be opened."""
    first = with_development_secrets(Settings(), tmp_path / "var")
    assert with_development_secrets(Settings(), tmp_path / "var") == first
    assert len(first.security.keys) == 1
    assert len(first.security.secret_key.get_secret_value()) >= 32
    for section in (first.wechat, first.wecom):
        assert section.token.get_secret_value()
        assert len(base64.b64decode(section.encoding_aes_key.get_secret_value() + "=")) == 32


def test_two_machines_have_different_secrets(tmp_path: Path):
    one, other = (with_development_secrets(Settings(), tmp_path / name) for name in ("a", "b"))
    assert one.security.secret_key != other.security.secret_key
    assert one.security.data_keys != other.security.data_keys
    assert one.wechat.token != other.wechat.token


def test_only_the_owner_can_read_them(tmp_path: Path):
    with_development_secrets(Settings(), tmp_path)
    files = list(tmp_path.iterdir())
    assert [file.name for file in files] == ["secrets.yaml"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600


def test_what_was_configured_stays(tmp_path: Path):
    key = base64.b64encode(b"k" * 32).decode()
    given = Settings().with_values(
        security={"secret_key": SecretStr("s" * 40), "data_keys": (key,)}, wechat={"app_id": "wx01", "mode": "plain"}
    )
    made = with_development_secrets(given, tmp_path)
    assert made.security == given.security
    assert made.wechat == given.wechat


def test_the_simulator_stands_in_on_our_own_port(tmp_path: Path):
    made = with_development_secrets(Settings().with_values(server={"port": 8123}), tmp_path)
    assert made.wechat.api_base_url == "http://127.0.0.1:8123/simulator/api.weixin.qq.com"
    assert made.wecom.api_base_url == "http://127.0.0.1:8123/simulator/qyapi.weixin.qq.com"
    assert made.wecom.robot_webhooks


def test_processes_that_start_together_agree(tmp_path: Path):
    """Web and worker start at once on the first run: one of them writes, all read the same."""
    made = run_together(8, lambda _: with_development_secrets(Settings(), tmp_path))
    assert len({settings.security.secret_key.get_secret_value() for settings in made}) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secrets.yaml"]
