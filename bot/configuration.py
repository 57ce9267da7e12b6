"""Reads config.yaml and the environment into Settings, and reports every fault at once with its place and its mend."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr, ValidationError

from bot.errors import UserFacingError
from bot.settings import Section, Settings

_PREFIX = "LIXIAO_"
_OWN_NAMES = frozenset({"LIXIAO_CONFIG", "LIXIAO_VAR"})
_SECRET_CHARACTERS = 32
_MESSAGES = {
    "extra_forbidden": "不认识这个设置",
    "missing": "缺少这个设置",
    "int_parsing": "应为整数",
    "int_type": "应为整数",
    "float_parsing": "应为数字",
    "float_type": "应为数字",
    "bool_parsing": "应为 true 或 false",
    "bool_type": "应为 true 或 false",
    "string_type": "应为文字，请加上引号",
    "tuple_type": '应为列表（环境变量里写成 JSON，例如 ["a"]）',
    "int_from_float": "应为整数",
    "int_parsing_size": "应为整数，不能这么大",
    "finite_number": "应为有限的数字",
    "string_unicode": "含有不能用的字符",
    "greater_than": "应大于 {gt:g}",
    "greater_than_equal": "应不小于 {ge:g}",
    "less_than_equal": "应不大于 {le:g}",
    "literal_error": "应为 {expected} 之一",
    "dict_type": "应为一组键和值",
    "model_type": "应为一组设置",
    "string_too_short": "不能是空的",
    "model_attributes_type": "应为一组设置",
}
_NUMERIC = frozenset({"greater_than", "greater_than_equal", "less_than_equal", "int_from_float"})


class ConfigurationError(UserFacingError):
    """The configuration has faults; the service has not started."""

    def __init__(self, faults: list[str]) -> None:
        lines = "\n".join(f"· {fault}" for fault in faults)
        super().__init__(f"配置有 {len(faults)} 处问题，服务没有启动：\n{lines}")
        self.faults = faults


def load_settings(path: Path, environment: Mapping[str, str]) -> Settings:
    """The settings of the file at `path`, overridden by `LIXIAO_<SECTION>__<KEY>`.

    Raises ConfigurationError that lists every fault: unknown keys with the nearest known one, wrong types and
    ranges, and in production each missing or weak secret. No fault shows a secret's value.
    """
    data, lines = _read_yaml(path)
    origins = {key: f"{path.name} 第 {line} 行" for key, line in lines.items()}
    faults = _overlay(data, environment, origins)
    named: set[str] = set()
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        faults += [_describe(fault, origins) for fault in error.errors()]
        named = {".".join(str(part) for part in fault["loc"][:2]) for fault in error.errors()}
        settings = Settings.model_validate(_without(data, [fault["loc"] for fault in error.errors()]))
    if settings.server.mode == "production":
        missing = _production_faults(settings)
        faults += [fault for fault in missing if fault.split()[0] not in named]
    if not named:
        faults += _contradictions(settings)
    if faults:
        raise ConfigurationError(faults)
    return settings


def _without(data: dict[str, Any], places: list[tuple[int | str, ...]]) -> dict[str, Any]:
    """The data without what is faulty at `places`, so that the rest can be looked at as well."""
    kept = {key: dict(value) if isinstance(value, dict) else value for key, value in data.items()}
    for place in places:
        section, *key = (str(part) for part in place)
        if key and isinstance(kept.get(section), dict):
            kept[section].pop(key[0], None)
        else:
            kept.pop(section, None)
    return kept


def _read_yaml(path: Path) -> tuple[dict[str, Any], dict[str, int]]:
    """The file's values, and the line (from 1) on which each dotted key stands."""
    try:
        text = path.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except OSError as error:
        raise ConfigurationError([f"读不到配置文件 {path}：{error.strerror}"]) from None
    except UnicodeDecodeError:
        raise ConfigurationError([f"{path.name} 不是 UTF-8 编码，请另存为 UTF-8"]) from None
    except (yaml.YAMLError, ValueError) as error:  # the parser's own words may quote a secret
        mark = getattr(error, "problem_mark", None)
        place = f"第 {mark.line + 1} 行" if mark else "某处"
        mend = "不是正确的 YAML，请检查缩进、冒号和引号；含有 * & ! # : 的值要加引号"
        raise ConfigurationError([f"{path.name} {place}{mend}"]) from None
    if data is None:
        return {}, {}
    if not isinstance(data, dict):
        raise ConfigurationError([f"{path.name} 应由 school:、server: 等几组设置组成"])
    lines: dict[str, int] = {}
    _collect_lines(node, "", lines)
    return {str(key): dict(value) if isinstance(value, dict) else value for key, value in data.items()}, lines


def _collect_lines(node: Any, prefix: str, lines: dict[str, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = f"{prefix}{key.value}"
            lines[name] = key.start_mark.line + 1
            _collect_lines(value, f"{name}.", lines)


def _overlay(data: dict[str, Any], environment: Mapping[str, str], origins: dict[str, str]) -> list[str]:
    """Writes the environment's values into `data` and returns the faults of names and lists."""
    faults = []
    for name, value in sorted(environment.items()):
        if not name.startswith(_PREFIX) or name in _OWN_NAMES:
            continue
        section, separator, key = name.removeprefix(_PREFIX).lower().partition("__")
        dotted = f"{section}.{key}"
        if not separator or not _is_known(section, key):
            faults.append(f"环境变量 {name} 不认识{_suggestion(dotted)}")
            continue
        if not isinstance(data.get(section), dict):
            data[section] = {}
        try:
            data[section][key] = json.loads(value) if _is_list(section, key) else value
        except json.JSONDecodeError:
            faults.append(f'{dotted} 在环境变量里应写成 JSON 列表，例如 ["a","b"]（环境变量 {name}）')
            continue
        origins[dotted] = f"环境变量 {name}"
    return faults


def _section(name: str) -> type[Section] | None:
    field = Settings.model_fields.get(name)
    return field.annotation if field is not None and isinstance(field.annotation, type) else None


def _is_known(section: str, key: str) -> bool:
    kind = _section(section)
    return kind is not None and key in kind.model_fields


def _is_list(section: str, key: str) -> bool:
    kind = _section(section)
    return kind is not None and str(kind.model_fields[key].annotation).startswith(("tuple", "dict"))


def _suggestion(dotted: str) -> str:
    known = [f"{name}.{key}" for name in Settings.model_fields for key in getattr(_section(name), "model_fields", {})]
    near = difflib.get_close_matches(dotted, [*known, *Settings.model_fields], n=1, cutoff=0.6)
    return f"，是不是 {near[0]}？" if near else ""


def _describe(fault: Any, origins: Mapping[str, str]) -> str:
    dotted = ".".join(str(part) for part in fault["loc"])
    place = next((origins[key] for key in (dotted, ".".join(dotted.split(".")[:2])) if key in origins), "默认值")
    if fault["type"] == "extra_forbidden":
        return f"{dotted} 不认识{_suggestion(dotted)}（{place}）"
    if fault["type"] == "value_error":
        return f"{dotted} {fault['ctx']['error']}（{place}）"
    message = _MESSAGES.get(fault["type"], fault["msg"]).format(**fault.get("ctx", {}))
    shown = f"，现在 {fault['input']}" if fault["type"] in _NUMERIC else ""  # no secret is a number
    return f"{dotted} {message}{shown}（{place}）"


def _production_faults(settings: Settings) -> list[str]:
    """What a server on the open net must not be without. Each says the environment variable that mends it."""
    required: dict[str, SecretStr | str] = {
        "wechat.app_id": settings.wechat.app_id,
        "wechat.app_secret": settings.wechat.app_secret,
        "wechat.token": settings.wechat.token,
        "security.secret_key": settings.security.secret_key,
    }
    if settings.wechat.mode != "plain":
        required["wechat.encoding_aes_key"] = settings.wechat.encoding_aes_key
    if settings.wecom.corp_id:
        required |= {
            "wecom.agent_id": str(settings.wecom.agent_id or ""),
            "wecom.secret": settings.wecom.secret,
            "wecom.token": settings.wecom.token,
            "wecom.encoding_aes_key": settings.wecom.encoding_aes_key,
        }
    faults = [
        f"{key} 在生产环境必须设置（环境变量 {_PREFIX}{key.upper().replace('.', '__')}）"
        for key, value in required.items()
        if not (value.get_secret_value() if isinstance(value, SecretStr) else value)
    ]
    secret = settings.security.secret_key.get_secret_value()
    if 0 < len(secret) < _SECRET_CHARACTERS or (secret and len(set(secret)) < _SECRET_CHARACTERS // 4):
        faults.append(
            f"security.secret_key 太弱：至少 {_SECRET_CHARACTERS} 个随机字符，可用 `openssl rand -hex 32` 生成"
            f"（环境变量 {_PREFIX}SECURITY__SECRET_KEY）"
        )
    if not settings.security.data_keys:
        faults.append(
            "security.data_keys 在生产环境必须设置，可用 `openssl rand -base64 32` 生成"
            f'（环境变量 {_PREFIX}SECURITY__DATA_KEYS，写成 ["…"]）'
        )
    if not settings.wecom.corp_id and not settings.wecom.robot_webhooks:
        faults.append("没有任何办法通知老师：请设置 wecom.corp_id 等，或至少一个 wecom.robot_webhooks")
    if not settings.server.public_url.startswith("https://"):
        faults.append(f"server.public_url 在生产环境应为 https:// 开头的地址（环境变量 {_PREFIX}SERVER__PUBLIC_URL）")
    return faults


def _contradictions(settings: Settings) -> list[str]:
    wechat, email, sms = settings.wechat, settings.email, settings.sms
    faults = []
    if wechat.app_id and wechat.mode == "safe" and not wechat.encoding_aes_key.get_secret_value():
        faults.append(
            "wechat.mode 是 safe，但没有 wechat.encoding_aes_key；请设置密钥，或把 mode 改成公众平台上选的模式"
        )
    if email.host and "@" not in email.sender:
        faults.append("email.host 已设置，但 email.sender 不是邮箱地址；请填发件人，例如 lixiao@example.edu.cn")
    if email.username and email.security == "none" and email.host not in ("127.0.0.1", "localhost", "::1"):
        faults.append("email.security 是 none，密码会明文传输；请改为 tls 或 starttls")
    if settings.audit.alarm_emails and not email.host:
        faults.append("audit.alarm_emails 已设置，但没有 email.host，邮件发不出去；请填学校的邮件服务器")
    if sms.url.get_secret_value() and "{phone}" not in sms.url.get_secret_value() + sms.body:
        faults.append("sms.url 已设置，但 sms.url 和 sms.body 里都没有 {phone}；请按短信平台的文档填写")
    return faults
