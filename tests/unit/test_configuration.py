"""Reading config.yaml and the environment: every fault at once, each with its place, none with a secret."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from bot.configuration import ConfigurationError, load_settings
from bot.settings import Section, Settings

ROOT = Path(__file__).resolve().parents[2]
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # base64 of 32 digits
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
PRODUCTION = {
    "LIXIAO_SERVER__MODE": "production",
    "LIXIAO_SERVER__PUBLIC_URL": "https://lixiao.example.edu.cn",
    "LIXIAO_WECHAT__APP_ID": "wx0123456789abcdef",
    "LIXIAO_WECHAT__APP_SECRET": "9f0c1d2e3b4a59687766554433221100",
    "LIXIAO_WECHAT__TOKEN": "a-long-token-of-the-account",
    "LIXIAO_WECHAT__ENCODING_AES_KEY": AES_KEY,
    "LIXIAO_WECOM__ROBOT_WEBHOOKS": '["https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=robot-key"]',
    "LIXIAO_SECURITY__SECRET_KEY": "5b1e7a90c2d43f68b1e7a90c2d43f685",
    "LIXIAO_SECURITY__DATA_KEYS": f'["{KEY}"]',
}

Load = Callable[..., Settings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Settings of a file with this text and an environment with these variables."""

    def _load(text: str = "", environment: Mapping[str, str] | None = None) -> Settings:
        path = tmp_path / "config.yaml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path, environment or {})

    return _load


def faults_of(load: Load, text: str = "", environment: Mapping[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigurationError) as caught:
        load(text, environment)
    assert str(caught.value).splitlines()[1:] == [f"· {fault}" for fault in caught.value.faults]
    return caught.value.faults


def without(*names: str) -> dict[str, str]:
    return {name: value for name, value in PRODUCTION.items() if name not in names}


def test_the_shipped_file_is_valid_and_says_what_the_code_says():
    """config.yaml names every setting once, and each with the default that the code has."""
    data = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    assert load_settings(ROOT / "config.yaml", {}) == Settings()
    assert {name: set(section) for name, section in data.items()} == {
        name: set(getattr(Settings(), name).model_dump()) for name in Settings.model_fields
    }


def test_an_empty_file_gives_the_defaults(load: Load):
    assert load("") == Settings()


def test_all_faults_come_at_once_each_with_its_place(load: Load):
    """The very message of the standard: how many, which, by how much, where to mend it, what was perhaps meant."""
    text = "school:\n  name: 甲校\nescalation:\n  ack_timeout_s: -5\nreminder:\n  quiet_hours: 22:00-08:00\n"
    with pytest.raises(ConfigurationError) as caught:
        load(text, {"LIXIAO_WECHAT__ENCODING_AES_KEY": AES_KEY[:-1]})
    first, *lines = str(caught.value).splitlines()
    assert first == "配置有 3 处问题，服务没有启动："
    assert sorted(lines) == [
        "· escalation.ack_timeout_s 应大于 0，现在 -5（config.yaml 第 4 行）",
        "· reminder 不认识，是不是 reminders？（config.yaml 第 5 行）",
        "· wechat.encoding_aes_key 应为 43 个字符，现在 42 个（环境变量 LIXIAO_WECHAT__ENCODING_AES_KEY）",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("reminders:\n  quiet_hour: x\n", "reminders.quiet_hour 不认识，是不是 reminders.quiet_hours？（config.yaml 第 2 行）"),
        ("schol:\n  name: x\n", "schol 不认识，是不是 school？（config.yaml 第 1 行）"),
        ("xyzzy: 1\n", "xyzzy 不认识（config.yaml 第 1 行）"),
        ("school:\n  timezone: Asia/Peking\n", "school.timezone 不是已知的时区：Asia/Peking，例如 Asia/Shanghai（config.yaml 第 2 行）"),
        ("server:\n  mode: prod\n", "server.mode 应为 'development' or 'production' 之一（config.yaml 第 2 行）"),
        ("\n\nserver:\n\n  port: 70000\n", "server.port 应不大于 65535，现在 70000（config.yaml 第 5 行）"),
        ("server:\n  port: 0\n", "server.port 应不小于 1，现在 0（config.yaml 第 2 行）"),
        ("server:\n  port: http\n", "server.port 应为整数（config.yaml 第 2 行）"),
        ("server:\n  port: 80.5\n", "server.port 应为整数，现在 80.5（config.yaml 第 2 行）"),
        ("reminders:\n  enabled: perhaps\n", "reminders.enabled 应为 true 或 false（config.yaml 第 2 行）"),
        ("reminders:\n  quiet_hours: 晚上\n", "reminders.quiet_hours 应为 22:00-08:00 这样的两个时刻，现在是 晚上（config.yaml 第 2 行）"),
        ("reminders:\n  quiet_hours: 25:00-08:00\n", "reminders.quiet_hours 应为 22:00-08:00 这样的两个时刻，现在是 25:00-08:00（config.yaml 第 2 行）"),
        ("wecom:\n  robot_webhooks: one\n", """wecom.robot_webhooks 应为列表（环境变量里写成 JSON，例如 ["a"]）（config.yaml 第 2 行）"""),
        ("server:\n  public_url: lixiao.example\n", "server.public_url 应为 http:// 或 https:// 开头的完整地址（config.yaml 第 2 行）"),
        ("server:\n  public_url: 'http://[half'\n", "server.public_url 应为 http:// 或 https:// 开头的完整地址（config.yaml 第 2 行）"),
        ("database:\n  url: mysql://x\n", "database.url 应以 sqlite:/// 或 postgresql+psycopg:// 开头（config.yaml 第 2 行）"),
        ("school: 甲校\n", "school 应为一组设置（config.yaml 第 1 行）"),
        ("escalation:\n  repeat_s: .inf\n", "escalation.repeat_s 应为有限的数字（config.yaml 第 2 行）"),
        ("escalation:\n  repeat_s: .nan\n", "escalation.repeat_s 应为有限的数字（config.yaml 第 2 行）"),
        ("limits:\n  answer_within_s: 5\n", "limits.answer_within_s 应不大于 4.5，现在 5（config.yaml 第 2 行）"),
        ("1: 2\n", "1 不认识（config.yaml 第 1 行）"),
    ],
)  # fmt: skip
def test_each_fault_says_what_is_wrong_and_where(load: Load, text: str, fault: str):
    assert faults_of(load, text) == [fault]


def test_faults_are_in_chinese_whatever_is_wrong(load: Load):
    """No setting takes a value of a wrong type with a message that the operator's language does not have."""
    for section, kind in Settings.model_fields.items():
        assert isinstance(kind.annotation, type)
        assert issubclass(kind.annotation, Section)
        for key in kind.annotation.model_fields:
            for value in ("[[1]]", "{a: 1}", "-0.5", "2027-06-01", "''", "~", "[~]", "'\\ud800'"):
                try:
                    load(f"{section}:\n  {key}: {value}\n")
                except ConfigurationError as error:
                    for fault in error.faults:
                        assert "put should" not in fault, fault
                        assert "字符" not in fault or key.endswith("aes_key"), fault


class TestUnreadable:
    def test_a_missing_file_says_which(self, tmp_path: Path):
        with pytest.raises(ConfigurationError, match=r"读不到配置文件 .*nowhere\.yaml"):
            load_settings(tmp_path / "nowhere.yaml", {})

    def test_a_folder_in_its_place(self, tmp_path: Path):
        with pytest.raises(ConfigurationError, match="读不到配置文件"):
            load_settings(tmp_path, {})

    def test_broken_yaml_says_the_line(self, load: Load):
        (fault,) = faults_of(load, "school:\n  name: 甲校\n bad: [1, 2\n")
        assert fault.startswith("config.yaml 第 3 行")

    def test_bytes_that_are_not_utf8(self, tmp_path: Path):
        path = tmp_path / "config.yaml"
        path.write_bytes("school:\n  name: 首体\n".encode("gb18030"))
        with pytest.raises(ConfigurationError, match=r"config\.yaml .*UTF-8"):
            load_settings(path, {})

    def test_a_list_instead_of_sections(self, load: Load):
        assert faults_of(load, "- 1\n- 2\n") == ["config.yaml 应由 school:、server: 等几组设置组成"]


class TestEnvironment:
    def test_it_overrides_one_key_and_leaves_the_others(self, load: Load):
        settings = load("server:\n  port: 8001\n  host: 0.0.0.0\n", {"LIXIAO_SERVER__PORT": "9000"})
        assert (settings.server.port, settings.server.host) == (9000, "0.0.0.0")  # noqa: S104 - a value, nothing listens

    def test_it_makes_a_section_that_the_file_does_not_have(self, load: Load):
        assert load("", {"LIXIAO_REMINDERS__ENABLED": "false"}).reminders.enabled is False

    def test_lists_are_json(self, load: Load):
        settings = load("", {"LIXIAO_SECURITY__DATA_KEYS": f'["{KEY}", "{KEY}"]'})
        assert settings.security.keys == [b"01234567890123456789012345678901"] * 2

    @pytest.mark.parametrize("value", [KEY, "not json", '["open'])
    def test_a_list_that_is_not_json_says_how_to_write_it(self, load: Load, value: str):
        assert faults_of(load, "", {"LIXIAO_SECURITY__DATA_KEYS": value}) == [
            'security.data_keys 在环境变量里应写成 JSON 列表，例如 ["a","b"]（环境变量 LIXIAO_SECURITY__DATA_KEYS）'
        ]

    @pytest.mark.parametrize("value", ['"one"', "5", '{"a": 1}'])
    def test_json_that_is_not_a_list(self, load: Load, value: str):
        (fault,) = faults_of(load, "", {"LIXIAO_WECOM__ROBOT_WEBHOOKS": value})
        assert fault.startswith("wecom.robot_webhooks 应为列表")

    def test_one_bad_item_of_a_list_is_named(self, load: Load):
        (fault,) = faults_of(load, "", {"LIXIAO_SECURITY__DATA_KEYS": f'["{KEY}", "c2hvcnQ="]'})
        assert fault == (
            "security.data_keys.1 应为 32 字节的 base64，可用 `openssl rand -base64 32` 生成"
            "（环境变量 LIXIAO_SECURITY__DATA_KEYS）"
        )

    @pytest.mark.parametrize(
        ("name", "hint"),
        [
            ("LIXIAO_WECHAT__APPSECRET", "，是不是 wechat.app_secret？"),
            ("LIXIAO_WECHAT_TOKEN", ""),
            ("LIXIAO_ZZZ__QQQ", ""),
        ],
    )
    def test_unknown_names_are_faults(self, load: Load, name: str, hint: str):
        (fault,) = faults_of(load, "", {name: "value-of-it"})
        assert fault.startswith(f"环境变量 {name} 不认识")
        assert hint in fault
        assert "value-of-it" not in fault

    def test_other_programs_names_and_our_own_are_left_alone(self, load: Load):
        assert load("", {"PATH": "/bin", "LIXIAO_CONFIG": "elsewhere.yaml", "HOME": "/root"}) == Settings()

    def test_a_fault_in_the_environment_and_one_in_the_file_come_together(self, load: Load):
        faults = faults_of(load, "server:\n  port: 0\n", {"LIXIAO_NO__SUCH": "1", "LIXIAO_OUTBOX__ATTEMPTS": "-1"})
        assert len(faults) == 3
        assert any("环境变量 LIXIAO_OUTBOX__ATTEMPTS" in fault and "应不小于 1，现在 -1" in fault for fault in faults)


class TestProduction:
    def test_a_complete_one_starts(self, load: Load):
        settings = load("", PRODUCTION)
        assert settings.server.mode == "production"
        assert not settings.simulated

    @pytest.mark.parametrize(
        ("name", "word"),
        [
            ("LIXIAO_WECHAT__APP_ID", "wechat.app_id 在生产环境必须设置"),
            ("LIXIAO_WECHAT__APP_SECRET", "wechat.app_secret 在生产环境必须设置"),
            ("LIXIAO_WECHAT__TOKEN", "wechat.token 在生产环境必须设置"),
            ("LIXIAO_WECHAT__ENCODING_AES_KEY", "wechat.encoding_aes_key 在生产环境必须设置"),
            ("LIXIAO_WECOM__ROBOT_WEBHOOKS", "没有任何办法通知老师"),
            ("LIXIAO_SECURITY__SECRET_KEY", "security.secret_key 在生产环境必须设置"),
            ("LIXIAO_SECURITY__DATA_KEYS", "security.data_keys 在生产环境必须设置"),
            ("LIXIAO_SERVER__PUBLIC_URL", "server.public_url 在生产环境应为 https:// 开头的地址"),
        ],
    )
    def test_each_missing_secret_stops_the_start(self, load: Load, name: str, word: str):
        faults = faults_of(load, "", without(name))
        assert any(fault.startswith(word) for fault in faults)

    def test_all_missing_secrets_are_listed_at_once(self, load: Load):
        faults = faults_of(load, "server:\n  mode: production\n")
        assert len(faults) == 8

    def test_missing_secrets_are_listed_together_with_other_faults(self, load: Load):
        """One message lists every fault: who mends an unknown key must not find the next fault only then."""
        faults = faults_of(load, "reminder:\n  enabled: true\n", without("LIXIAO_WECHAT__TOKEN"))
        assert sorted(fault.split()[0] for fault in faults) == ["reminder", "wechat.token"]

    def test_a_faulty_secret_is_not_called_missing_as_well(self, load: Load):
        faults = faults_of(load, "", PRODUCTION | {"LIXIAO_WECHAT__ENCODING_AES_KEY": AES_KEY[1:]})
        assert [fault.split()[0] for fault in faults] == ["wechat.encoding_aes_key"]

    @pytest.mark.parametrize("weak", ["short", "a" * 40, "abcabcabc" * 5])
    def test_a_weak_key_stops_the_start(self, load: Load, weak: str):
        (fault,) = faults_of(load, "", PRODUCTION | {"LIXIAO_SECURITY__SECRET_KEY": weak})
        assert fault.startswith("security.secret_key 太弱")
        assert weak not in fault

    def test_plain_mode_needs_no_aes_key(self, load: Load):
        assert load("wechat:\n  mode: plain\n", without("LIXIAO_WECHAT__ENCODING_AES_KEY")).wechat.mode == "plain"

    def test_wecom_by_half_is_a_fault(self, load: Load):
        faults = faults_of(load, "wecom:\n  corp_id: ww01\n", PRODUCTION)
        assert sorted(fault.split()[0] for fault in faults) == [
            "wecom.agent_id",
            "wecom.encoding_aes_key",
            "wecom.secret",
            "wecom.token",
        ]

    def test_plain_http_is_a_fault(self, load: Load):
        (fault,) = faults_of(load, "", PRODUCTION | {"LIXIAO_SERVER__PUBLIC_URL": "http://lixiao.example"})
        assert fault.startswith("server.public_url")


def test_safe_mode_without_a_key_is_a_contradiction_in_development_too(load: Load):
    (fault,) = faults_of(load, "wechat:\n  app_id: wx01\n")
    assert fault.startswith("wechat.mode 是 safe，但没有 wechat.encoding_aes_key")


SECRETS = [
    ("wechat", "app_secret"),
    ("wechat", "token"),
    ("wechat", "encoding_aes_key"),
    ("wechat", "previous_aes_key"),
    ("wecom", "secret"),
    ("wecom", "token"),
    ("wecom", "encoding_aes_key"),
    ("security", "secret_key"),
    ("security", "data_keys"),
    ("wecom", "robot_webhooks"),
]


@pytest.mark.parametrize(("section", "key"), SECRETS)
@pytest.mark.parametrize(
    "value",
    [
        "7312984",
        "7312984.5",
        "[7312984]",
        "{a: 7312984}",
        "*x7312984",
        "!x7312984 y",
        "'中x7312984'",
        "&x7312984 z",
        '"x7312984',
    ],
)
def test_no_fault_shows_a_secrets_value(load: Load, section: str, key: str, value: str):
    """Not a number that was left without quotation marks, nor one that YAML reads as an anchor or a tag."""
    with pytest.raises(ConfigurationError) as caught:
        load(f"{section}:\n  {key}: {value}\nserver:\n  port: 0\n")
    assert "7312984" not in str(caught.value)


def test_secrets_do_not_show_in_the_settings_text(load: Load):
    shown = repr(load("", PRODUCTION)) + str(load("", PRODUCTION))
    for name in ("WECHAT__APP_SECRET", "WECHAT__TOKEN", "WECHAT__ENCODING_AES_KEY", "SECURITY__SECRET_KEY"):
        assert PRODUCTION[f"LIXIAO_{name}"] not in shown
    assert KEY not in shown
    assert "robot-key" not in shown


class TestSettings:
    def test_a_relative_database_file_is_taken_from_the_projects_folder(self):
        assert Settings().database.url_in(Path("/srv/lixiao")) == "sqlite:////srv/lixiao/var/lixiao.db"

    @pytest.mark.parametrize("url", ["sqlite:////data/x.db", "postgresql+psycopg://u@h/d"])
    def test_other_addresses_stay(self, load: Load, url: str):
        assert load(f"database:\n  url: {url}\n").database.url_in(Path("/srv")) == url

    def test_an_account_in_development_needs_no_simulator(self, load: Load):
        assert load("").simulated
        assert not load("wechat:\n  app_id: wx01\n  mode: plain\n").simulated

    def test_the_public_address_has_no_slash_at_its_end(self, load: Load):
        assert load("server:\n  public_url: https://a.example/x/\n").public_url == "https://a.example/x"
        assert load("").public_url == "http://127.0.0.1:8000"

    def test_frozen(self):
        with pytest.raises(ValueError, match="frozen"):
            Settings().server.port = 1

    def test_with_values_checks_again(self):
        with pytest.raises(ValueError, match="port"):
            Settings().with_values(server={"port": 0})
        assert Settings().with_values(server={"port": 81}, school={"short_name": "甲"}).server.port == 81


class TestLadders:
    def test_a_school_writes_its_own(self, load: Load):
        """In the file as a list, in the environment as JSON; a rung without wait_s has the level's time."""
        text = "escalation:\n  red_steps:\n  - tell: [duty]\n    wait_s: 120\n  - tell: [college_lead, psychology]\n"
        steps = load(text).escalation.red_steps
        assert [(step.tell, step.wait_s) for step in steps] == [
            (("duty",), 120),
            (("college_lead", "psychology"), None),
        ]
        other = load("", {"LIXIAO_ESCALATION__RED_STEPS": '[{"tell": ["psychology"]}]'}).escalation.red_steps
        assert [step.tell for step in other] == [("psychology",)]

    @pytest.mark.parametrize(
        ("line", "fault"),
        [
            ("red_steps: []", "escalation.red_steps 至少要有一级，每一级的 tell 至少写一个对象（config.yaml 第 2 行）"),
            (
                "red_steps: [{wait_s: 3}]",
                "escalation.red_steps 至少要有一级，每一级的 tell 至少写一个对象（config.yaml 第 2 行）",
            ),
            (
                "red_steps: [{tell: [duty], wait_s: 0}]",
                "escalation.red_steps.0.wait_s 应大于 0，现在 0（config.yaml 第 2 行）",
            ),
            (
                "red_steps: [{tell: [dean]}]",
                "escalation.red_steps.0.tell.0 应为 'duty', 'counselors', 'college_lead', 'student_affairs' or 'psychology' 之一（config.yaml 第 2 行）",
            ),
            (
                "follow_up_hours: [72, 24]",
                "escalation.follow_up_hours 应为从小到大、不重复的小时数，例如 [24, 72, 168]；不要回访就写 []（config.yaml 第 2 行）",
            ),
            ("link_hours: 0", "escalation.link_hours 应大于 0，现在 0（config.yaml 第 2 行）"),
            ("red_stale_s: -1", "escalation.red_stale_s 应大于 0，现在 -1（config.yaml 第 2 行）"),
        ],
    )
    def test_each_fault_is_listed_with_its_place(self, load: Load, line: str, fault: str):
        assert fault in faults_of(load, f"escalation:\n  {line}\n")
