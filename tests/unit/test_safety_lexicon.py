"""Reading the lexicon: what is there is right, and what is wrong is named by file and line."""

import shutil

import pytest

from bot.safety.lexicon import DATA_FOLDER, LexiconError, load_lexicon
from bot.safety.lint import lint


@pytest.fixture
def folder(tmp_path):
    shutil.copytree(DATA_FOLDER / "lexicon", tmp_path / "lexicon")
    return tmp_path


def faults_of(folder, text):
    (folder / "lexicon" / "zz.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(LexiconError) as caught:
        load_lexicon(folder)
    return caught.value.faults


def test_the_shipped_data_has_no_fault():
    assert lint(load_lexicon()) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("signals:\n  - {category: wish_to_die, level: orange, kind: wish, terms: [想死]}", "zz.yaml:2 词“想死”已在"),
        ("signals:\n  - {category: nonsense, level: orange, kind: wish}", "zz.yaml:2 不认识的 category"),
        ("signals:\n  - {category: plan, level: purple, kind: wish}", "zz.yaml:2 level 应为"),
        ("signals:\n  - {category: plan, level: red, kind: dance}", "zz.yaml:2 kind 应为"),
        ("signals:\n  - {category: plan, level: red, kind: wish, colour: 1}", "zz.yaml:2 不认识的字段 colour"),
        (
            "signals:\n  - category: plan\n    level: red\n    kind: wish\n    patterns:\n      - '(x'",
            "zz.yaml:6 正则表达式写错了",
        ),
        ("signals:\n  - {category: plan, level: red, kind: wish, patterns: ['[^a]+']}", "zz.yaml:2 模式里要有必然出现"),
        ("signals:\n  - {category: nowhere, level: none, kind: part, terms: [x]}", "zz.yaml:2 部分 nowhere 要在"),
        (
            "gathering: {category: goodbye, reach: far, orange: 5, red: 7, leaving: {}, grave: {}}",
            "zz.yaml:1 要有 category",
        ),
        (
            "signals:\n  - {category: plan, level: red, kind: wish, patterns: ['<nobody>x']}",
            "zz.yaml:2 用到未定义的词组 <nobody>",
        ),
        ("guards:\n  - {name: x, kinds: [wish, song], lowers_to: none, before: x}", "zz.yaml:2 kinds 应取自"),
        ("rewritings:\n  - {match: '(x)', means: 自杀, hint: x}", "zz.yaml:2 不能有捕获组"),
        ("rewritings:\n  - {match: x, means: 自杀}", "zz.yaml:2 要有 match、means 和 hint"),
        ("sounds: []", "zz.yaml:1 不认识的部分 sounds"),
        ("signals: [\n", "zz.yaml:2 YAML 写错了"),
        ("- just a list", "zz.yaml:1 应以"),
        ("signals:\n  - just text", "zz.yaml:2 应为“字段: 值”"),
    ],
)
def test_a_fault_is_named_by_file_and_line(folder, text, fault):
    assert any(found.startswith(fault) for found in faults_of(folder, text))


def test_all_faults_are_told_at_once(folder):
    text = "signals:\n  - {category: a, level: red, kind: wish}\n  - {category: b, level: red, kind: wish}"
    assert len(faults_of(folder, text)) == 2


def test_an_empty_folder_is_a_fault(tmp_path):
    with pytest.raises(LexiconError, match="没有"):
        load_lexicon(tmp_path)


def test_a_new_term_counts(folder):
    """An added file is enough; nothing in the code knows the files' names."""
    from bot.safety.assessment import assess  # noqa: PLC0415 - beside the one test that needs it

    (folder / "lexicon" / "zz.yaml").write_text(
        "signals:\n  - {category: goodbye, level: red, kind: act, terms: [去往彼岸花开]}", encoding="utf-8"
    )
    assert assess("我要去往彼岸花开了", (), load_lexicon(folder)).level.word == "red"
