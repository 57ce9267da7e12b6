"""The lexicon changes while it serves."""

import shutil
import threading
import time

import pytest

from bot.safety.lexicon import DATA_FOLDER, LexiconError
from bot.safety.living import LivingLexicon
from bot.safety.models import Level

NEW = "signals:\n  - {category: goodbye, level: red, kind: act, terms: [去往彼岸花开]}\n"
TEXT = "我要去往彼岸花开了"


@pytest.fixture
def folder(tmp_path):
    """A lexicon of few files: these tests load it again and again."""
    (tmp_path / "lexicon").mkdir()
    for name in ("words", "persons", "parts", "evasion", "wish"):
        shutil.copy(DATA_FOLDER / "lexicon" / f"{name}.yaml", tmp_path / "lexicon")
    return tmp_path


def test_a_new_file_counts_after_a_refresh_and_not_before(folder):
    living = LivingLexicon(folder)
    (folder / "lexicon" / "zz.yaml").write_text(NEW, encoding="utf-8")
    assert living(TEXT, ()).level is Level.NONE
    assert living.refresh()
    assert living(TEXT, ()).level is Level.RED
    assert not living.refresh()


def test_a_faulty_file_leaves_the_old_lexicon_at_work(folder):
    living = LivingLexicon(folder)
    (folder / "lexicon" / "zz.yaml").write_text("signals: [", encoding="utf-8")
    assert not living.refresh()
    assert living("我想死", ()).alarms


def test_nothing_starts_with_a_broken_lexicon(folder):
    (folder / "lexicon" / "zz.yaml").write_text("signals: [", encoding="utf-8")
    with pytest.raises(LexiconError):
        LivingLexicon(folder)


def test_texts_are_judged_all_the_while(folder):
    """Two threads judge without a pause while the lexicon is swapped; none of them misses or stumbles."""
    living = LivingLexicon(folder)
    stop, wrong = threading.Event(), []

    def judge():
        while not stop.is_set():
            if not living("我真的不想活了", ()).alarms:
                wrong.append(1)

    threads = [threading.Thread(target=judge) for _ in range(2)]
    for thread in threads:
        thread.start()
    for round_ in range(2):
        (folder / "lexicon" / "zz.yaml").write_text(NEW + "#" * round_, encoding="utf-8")
        assert living.refresh()
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def test_an_edit_is_followed_by_whoever_writes_next(folder):
    living = LivingLexicon(folder, look_s=0)
    (folder / "lexicon" / "zz.yaml").write_text(NEW, encoding="utf-8")
    deadline = time.monotonic() + 30
    while living(TEXT, ()).level is not Level.RED:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_folder_that_goes_away_for_a_moment_changes_nothing(folder):
    living = LivingLexicon(folder, look_s=0)
    shutil.rmtree(folder / "lexicon")
    assert living("我想死", ()).alarms
    assert living("我想死", ()).alarms
