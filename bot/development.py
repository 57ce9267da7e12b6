"""Secrets of a development machine: made once, kept in var/ outside git, and used only where none was configured."""

import base64
import os
import secrets
import string
from pathlib import Path
from typing import Any

import yaml

from bot.settings import Settings
from bot.staff.models import Role, Staff

ROBOT_KEY = "demo-robot"
DEMONSTRATION_STAFF = (
    Staff("demo1", "王老师（演示）", Role.COUNSELOR, college="演示学院", wecom_userid="wanglaoshi"),
    Staff("demo2", "张副书记（演示）", Role.COLLEGE_LEAD, college="演示学院", wecom_userid="zhangshuji"),
)
_LETTERS = string.ascii_letters + string.digits


def with_development_secrets(settings: Settings, folder: Path) -> Settings:
    """Settings in which each empty secret has a generated value, the same at every start.

    In simulated mode the accounts point to the simulator's emulated platforms as well.
    """
    kept = _kept(folder / "secrets.yaml")
    sections: dict[str, dict[str, Any]] = {"security": {}}
    if not settings.security.secret_key.get_secret_value():
        sections["security"]["secret_key"] = kept["secret_key"]
    if not settings.security.data_keys:
        sections["security"]["data_keys"] = (kept["data_key"],)
    if settings.simulated:
        base = f"http://127.0.0.1:{settings.server.port}/simulator"
        sections["wechat"] = {
            "app_id": "wx" + kept["app_id"],
            "app_secret": kept["app_secret"],
            "token": kept["token"],
            "encoding_aes_key": kept["aes_key"],
            "api_base_url": f"{base}/api.weixin.qq.com",
        }
        sections["wecom"] = {
            "corp_id": "ww" + kept["app_id"],
            "agent_id": 1000002,
            "secret": kept["wecom_secret"],
            "token": kept["wecom_token"],
            "encoding_aes_key": kept["wecom_aes_key"],
            "api_base_url": f"{base}/qyapi.weixin.qq.com",
            "robot_webhooks": (f"{base}/qyapi.weixin.qq.com/cgi-bin/webhook/send?key={ROBOT_KEY}",),
        }
    return settings.with_values(**sections)


def _kept(path: Path) -> dict[str, str]:
    if path.exists():
        return {str(key): str(value) for key, value in yaml.safe_load(path.read_text()).items()}
    made = {
        "secret_key": secrets.token_hex(32),
        "data_key": base64.b64encode(secrets.token_bytes(32)).decode(),
        "app_id": secrets.token_hex(8),
        "app_secret": secrets.token_hex(16),
        "token": secrets.token_hex(12),
        "aes_key": _aes_key(),
        "wecom_secret": secrets.token_hex(16),
        "wecom_token": secrets.token_hex(12),
        "wecom_aes_key": _aes_key(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        yaml.safe_dump(made, file)
    try:
        os.link(temporary, path)  # the first of several processes wins; the others read what it wrote
    except FileExistsError:
        return _kept(path)
    finally:
        temporary.unlink()
    return made


def _aes_key() -> str:
    """43 characters as the platforms hand them out: letters and digits, base64 of 32 bytes without its `=`."""
    return "".join(secrets.choice(_LETTERS) for _ in range(42)) + secrets.choice("AEIMQUYcgkosw048")
