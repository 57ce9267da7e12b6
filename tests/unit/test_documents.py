"""What the documents promise exists: commands, make targets, settings, links. Not whether it is well written."""

import re
from pathlib import Path

import click
import pytest
import yaml
from flask import Flask

from bot.cli import register_commands
from bot.settings import Section, Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted(
    [
        ROOT / "README.md",
        ROOT / "README.en.md",
        ROOT / "CHANGELOG.md",
        *ROOT.glob("docs/*.md"),
        *ROOT.glob("docs/*/*.md"),
    ]
)
DEPLOYED = sorted((ROOT / "deploy").iterdir())
COMMAND = re.compile(r"(?<![\w/.])flask ([a-z][a-z-]*)(?: ([a-z][a-z-]*))?((?: --[a-z][a-z-]*)*)")
TARGET = re.compile(r"(?:`|^)make ([a-z-]+)", re.MULTILINE)
SETTING = re.compile(r"LIXIAO_([A-Z]+)__([A-Z_]*[A-Z])")
LINK = re.compile(r"\]\(([^)\s#]+)(?:#[^)]*)?\)")
OWN_COMMANDS = {"run", "shell", "routes"}  # Flask's


def named(paths: list[Path]) -> list[object]:
    return [pytest.param(path, id=str(path.relative_to(ROOT))) for path in paths]


@pytest.fixture(scope="module")
def commands() -> dict[str, click.Command]:
    app = Flask("documents")
    register_commands(app)
    return dict(app.cli.commands)


def keys(section: str) -> set[str]:
    kind = Settings.model_fields[section].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, Section)
    return set(kind.model_fields)


def check_command(commands: dict[str, click.Command], name: str, second: str, options: list[str]) -> str | None:
    """What is wrong with the command line, or None."""
    command = commands.get(name)
    if command is None:
        return None if name in OWN_COMMANDS else f"flask {name}"
    if isinstance(command, click.Group) and second:
        command = command.commands.get(second)
        if command is None:
            return f"flask {name} {second}"
    known = {option for parameter in command.params for option in parameter.opts}
    return next((f"flask {name} {second} {option}" for option in options if option not in known), None)


@pytest.mark.parametrize("path", named([*DOCUMENTS, *DEPLOYED]))
def test_every_flask_command_exists(path: Path, commands: dict[str, click.Command]) -> None:
    """A command that somebody copies from a document is one that the command line has, with its options."""
    found = COMMAND.findall(path.read_text(encoding="utf-8"))
    faults = [check_command(commands, name, second, options.split()) for name, second, options in found]
    assert [fault for fault in faults if fault] == []


def test_operation_names_every_command_group(commands: dict[str, click.Command]) -> None:
    """Whoever runs this finds each command in the guide."""
    named_there = {found[0] for found in COMMAND.findall((ROOT / "docs/operation.md").read_text(encoding="utf-8"))}
    assert set(commands) - named_there <= OWN_COMMANDS


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("`flask staff import 名单.csv`", None),
        ("flask outbox list --doubtful", None),
        ("flask staf import", "flask staf"),
        ("flask staff imports", "flask staff imports"),
        ("flask outbox list --doubtfull", "flask outbox list --doubtfull"),
    ],
)
def test_the_check_itself_finds_wrong_commands(
    line: str, fault: str | None, commands: dict[str, click.Command]
) -> None:
    """A misspelt group, command or option is seen."""
    ((name, second, options),) = COMMAND.findall(line)
    assert check_command(commands, name, second, options.split()) == fault


@pytest.mark.parametrize("path", named(DOCUMENTS))
def test_every_make_target_exists(path: Path) -> None:
    """`make …` in a document is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(TARGET.findall(path.read_text(encoding="utf-8"))) <= targets


@pytest.mark.parametrize("path", named([*DOCUMENTS, *DEPLOYED]))
def test_every_environment_variable_is_a_setting(path: Path) -> None:
    """LIXIAO_X__Y in a document is a key of that section."""
    for section, key in SETTING.findall(path.read_text(encoding="utf-8")):
        assert key.lower() in keys(section.lower())


def test_config_file_has_every_setting_and_no_other() -> None:
    """config.yaml is the complete list of settings."""
    written = {section: set(values) for section, values in read_config().items()}
    assert written == {section: keys(section) for section in Settings.model_fields}


def test_config_file_shows_the_defaults() -> None:
    """A value in config.yaml is what the product does without the file."""
    assert Settings.model_validate(read_config()) == Settings()


def read_config() -> dict[str, dict[str, object]]:
    config: dict[str, dict[str, object]] = yaml.safe_load((ROOT / "config.yaml").read_text(encoding="utf-8"))
    return config


@pytest.mark.parametrize("path", named(DOCUMENTS))
def test_relative_links_lead_somewhere(path: Path) -> None:
    """A link or picture that is not on the web is a file in this repository."""
    links = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_the_page_of_reminders_names_every_series() -> None:
    """The calendar's table has a row for each series of the shipped file, and no other."""
    shipped = yaml.safe_load((ROOT / "bot/reminders/data/series.yaml").read_text(encoding="utf-8"))
    page = (ROOT / "docs/reminders.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|]+ \| `([a-z_]+)` \| (\S+) \|", page, re.MULTILINE)
    assert sorted(rows) == sorted((one["key"], one["topic"]) for one in shipped["series"])
