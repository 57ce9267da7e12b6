"""Knowledge that changes while it serves: what is sound is swapped in whole, what is not changes nothing."""

import os
import shutil
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from support.packs import edit, entry, write_pack

from knowledge.base import KnowledgeBase
from knowledge.decisions import Abstain, Answer, Context, Suggestions
from knowledge.living import LivingBase
from knowledge.loader import Fault, KnowledgeError
from knowledge.published import open_copy, publish

QUESTION = "档案怎么转"


class Publisher:
    """Publishes in this process, and counts."""

    def __init__(self) -> None:
        self.times = 0
        self.error: OSError | None = None

    def __call__(self, folder: Path, cache_folder: Path) -> tuple[Fault, ...]:
        self.times += 1
        if self.error is not None:
            raise self.error
        try:
            publish(folder, cache_folder)
        except KnowledgeError as error:
            return error.faults
        return ()


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all tests: jieba's own cache takes a while to make."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "knowledge")


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture
def living(folder: Path, cache: Path, publisher: Publisher) -> Iterator[LivingBase]:
    made = LivingBase(folder, cache_folder=cache, publish=publisher)
    yield made
    made.close()


def short(base: KnowledgeBase, question: str = QUESTION) -> str:
    decision = base.ask(question)
    assert isinstance(decision, Answer), decision
    return base.get_entry(decision.hits[0].entry_id).short


def look_until_quiet(living: LivingBase) -> None:
    """Two looks: the first sees a change, the second that it is over."""
    living.look()
    living.look()


def test_an_edit_is_served_when_it_is_quiet(living: LivingBase, folder: Path):
    """Who took the base before goes on with the old one, whole."""
    before = living.current()
    edit(folder, "学校统一寄出", "请到三楼办")
    assert living.look() == 1
    assert living.current() is before
    assert living.look() == 2
    assert short(living.current()) == "请到三楼办。"
    assert short(before) == "学校统一寄出。"


def test_nothing_is_done_where_nothing_has_changed(living: LivingBase, folder: Path, publisher: Publisher):
    before = living.current()
    look_until_quiet(living)
    path = folder / "national/archive.yaml"
    os.utime(path, ns=(1, 1))  # saved without a change
    look_until_quiet(living)
    assert living.current() is before
    assert publisher.times == 0


def test_words_of_the_dictionary_change_too(living: LivingBase, folder: Path, cache: Path):
    edit(folder, "户口", "户口 落户证明", name="dictionary.txt")
    edit(folder, "户口怎么迁", "落户证明怎么开", name="national/hukou.yaml")
    look_until_quiet(living)
    assert short(living.current(), "落户证明怎么开") == "去派出所办。"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("  title: 档案怎么转\n", "  titel: 档案怎么转\n", "national/archive.yaml:2 不认识 titel"),
        ("short: 学校统一寄出。", f"short: {'长' * 121}", "national/archive.yaml:1 archive.transfer：short 有 121 字"),
    ],
)
class TestFaults:
    def test_they_change_nothing_and_are_told_once(
        self, living: LivingBase, folder: Path, caplog: pytest.LogCaptureFixture, old: str, new: str, said: str
    ):
        caplog.set_level("WARNING")
        before = living.current()
        edit(folder, old, new)
        look_until_quiet(living)
        look_until_quiet(living)
        assert living.current() is before
        assert said in "\n".join(map(str, living.faults))
        refused = [record.getMessage() for record in caplog.records if "knowledge_refused" in record.getMessage()]
        assert len(refused) == 1
        assert said in refused[0]
        edit(folder, new, old)
        edit(folder, "一档案", "一份档案")
        look_until_quiet(living)
        assert living.faults == ()
        assert living.current() is not before

    def test_taken_back_they_are_gone(self, living: LivingBase, folder: Path, old: str, new: str, said: str):
        before = living.current()
        edit(folder, old, new)
        look_until_quiet(living)
        assert living.faults
        edit(folder, new, old)
        look_until_quiet(living)
        assert living.faults == ()
        assert living.current() is before

    def test_a_start_serves_the_last_good(
        self, living: LivingBase, folder: Path, cache: Path, old: str, new: str, said: str
    ):
        """The one before it was served in between, and is not taken."""
        edit(folder, "学校统一寄出", "请到三楼办")
        look_until_quiet(living)
        edit(folder, "请到三楼办", "学校统一寄出")
        look_until_quiet(living)
        edit(folder, old, new)
        started = LivingBase(folder, cache_folder=cache)
        assert short(started.current()) == "学校统一寄出。"
        assert said in "\n".join(map(str, started.faults))
        started.close()


class TestStartWithoutAGoodCopy:
    def test_what_cannot_be_read_is_refused(self, folder: Path, cache: Path):
        edit(folder, "  title: 档案怎么转\n", "")
        with pytest.raises(KnowledgeError, match="archive.transfer 缺 title"):
            LivingBase(folder, cache_folder=cache)

    def test_what_can_be_read_is_served_and_its_faults_are_told(self, folder: Path, cache: Path):
        edit(folder, "office: career", "office: nowhere")
        living = LivingBase(folder, cache_folder=cache)
        assert short(living.current()) == "学校统一寄出。"
        assert "office 不认识 nowhere" in str(living.faults[0])
        living.close()

    def test_a_cache_that_cannot_be_written_is_done_without(self, folder: Path, tmp_path: Path):
        (tmp_path / "file").write_text("")
        living = LivingBase(folder, cache_folder=tmp_path / "file" / "cache")
        assert short(living.current()) == "学校统一寄出。"
        living.close()


def test_a_half_written_file_is_waited_for(living: LivingBase, folder: Path, publisher: Publisher):
    """Half of an entry may well be sound YAML."""
    path = folder / "national/archive.yaml"
    more = entry("archive.where", "档案存放在哪", short="在档案馆。", word="存放")
    whole = path.read_text(encoding="utf-8") + more
    path.write_text(whole[:-60], encoding="utf-8")
    assert living.look() == 1
    path.write_text(whole, encoding="utf-8")
    assert living.look() == 1
    assert publisher.times == 0
    assert living.look() == 2
    assert publisher.times == 1
    assert short(living.current(), "档案存放在哪") == "在档案馆。"


def test_of_two_quick_edits_the_last_is_served(living: LivingBase, folder: Path, publisher: Publisher):
    edit(folder, "学校统一寄出", "请到三楼办")
    living.look()
    edit(folder, "请到三楼办", "请到四楼办")
    look_until_quiet(living)
    assert short(living.current()) == "请到四楼办。"
    assert publisher.times == 1


def test_an_edit_while_one_is_published_is_served_next(folder: Path, cache: Path):
    publisher = Publisher()

    def publish_slowly(place: Path, cache_folder: Path) -> tuple[Fault, ...]:
        faults = publisher(place, cache_folder)
        if publisher.times == 1:
            edit(folder, "请到三楼办", "请到四楼办")
        return faults

    living = LivingBase(folder, cache_folder=cache, publish=publish_slowly)
    edit(folder, "学校统一寄出", "请到三楼办")
    look_until_quiet(living)
    assert short(living.current()) == "学校统一寄出。"
    look_until_quiet(living)
    assert short(living.current()) == "请到四楼办。"
    living.close()


class TestADeletedPack:
    def test_its_entries_are_gone_and_conversations_go_on(self, living: LivingBase, folder: Path):
        """A number picks what was offered under it, never its neighbour."""
        offered = Context("archive.transfer", ("archive.transfer", "hukou.move"), datetime(2027, 6, 8))  # noqa: DTZ001 - compared with nothing
        (folder / "national/archive.yaml").unlink()
        look_until_quiet(living)
        base = living.current()
        assert base.find_entry("archive.transfer") is None
        assert isinstance(base.ask("1", offered), Suggestions)
        second = base.ask("2", offered)
        assert isinstance(second, Answer)
        assert second.topic == "hukou.move"
        assert isinstance(base.ask("要带什么", offered), Abstain | Suggestions | Answer)
        gone = Context("", ("archive.transfer",), datetime(2027, 6, 8))  # noqa: DTZ001 - as above
        assert isinstance(base.ask("1", gone), Abstain)

    def test_the_last_one_is_missed(self, living: LivingBase, folder: Path):
        before = living.current()
        for path in (folder / "national").iterdir():
            path.unlink()
        look_until_quiet(living)
        assert living.current() is before
        assert "没有条目文件" in str(living.faults[0])


def test_a_full_disk_is_told_and_tried_again(living: LivingBase, folder: Path, publisher: Publisher):
    publisher.error = OSError("No space left on device")
    edit(folder, "学校统一寄出", "请到三楼办")
    living.look()
    assert living.look() > 2
    assert "No space left" in str(living.faults[0])
    assert short(living.current()) == "学校统一寄出。"
    publisher.error = None
    living.look()
    assert living.faults == ()
    assert short(living.current()) == "请到三楼办。"


class TestThread:
    def test_it_starts_with_the_first_question_and_ends_with_close(self, living: LivingBase):
        assert not [one for one in threading.enumerate() if one.name == "knowledge"]
        living.current()
        living.current()
        assert len([one for one in threading.enumerate() if one.name == "knowledge"]) == 1
        living.close()
        assert not [one for one in threading.enumerate() if one.name == "knowledge"]
        assert short(living.current()) == "学校统一寄出。"
        assert not [one for one in threading.enumerate() if one.name == "knowledge"]

    def test_a_process_that_was_forked_starts_its_own(self, living: LivingBase):
        living.current()
        first = living._thread
        living._watched_by = 1  # as in a child: the parent's number is not its own
        living.current()
        assert living._thread is not first
        assert first is not None
        living._stop.set()
        first.join(5)


def test_a_copy_is_opened_without_what_it_was_learnt_from(folder, cache):
    """What was learnt is named in the copy; where it is gone it is learnt from the copy again."""
    (folder / "questions").mkdir()
    (folder / "questions/a.tsv").write_text("archive.transfer\t档案啥时候动身\n", encoding="utf-8")
    place = publish(folder, cache)
    model = cache / f"model-{(place / 'model.key').read_text()}"
    assert open_copy(place, cache).ask("档案啥时候动身").score > 0
    (place / "questions/a.tsv").write_text("no table\n", encoding="utf-8")
    assert open_copy(place, cache).ask("档案啥时候动身").score > 0
    shutil.rmtree(model)
    with pytest.raises(KnowledgeError):
        open_copy(place, cache)
    shutil.rmtree(place)
    assert open_copy(publish(folder, cache), cache).ask("档案啥时候动身").score > 0
