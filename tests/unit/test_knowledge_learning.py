"""What is learnt from questions, and how it is kept: sounds, features, the network, model folders. Sets of its own."""

import math
import os
import resource
import shutil
import signal
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from knowledge import artifact
from knowledge.base import KnowledgeBase
from knowledge.decisions import Answer
from knowledge.entry import ANYTHING, OUT_OF_SCOPE, Dictionary, Entry, Example, Rumour, Source
from knowledge.features import UNKNOWN, Vocabulary
from knowledge.model import Reader, as_vector
from knowledge.pinyin import Spelling, coarse, read_syllables
from knowledge.ranking import Ranker
from knowledge.teaching import teach
from knowledge.tokens import Segmenter
from knowledge.training import learn, own_questions


def entry(entry_id: str, title: str, variants: str, **more) -> Entry:
    """A sound entry; `variants` are separated by spaces."""
    return Entry(
        entry_id, title, f"{title}。", {"how": "1. 问。"}, (Source("甲", "2023", "A", ("乙",)),), "丙",
        date(2026, 11, 1), date(2027, 8, 31), tuple(variants.split()), **more,
    )  # fmt: skip


ENTRIES = (
    entry("archive.transfer", "档案怎么转", "档案咋转走 档案什么时候寄 档案转出去怎么弄 档案会自动转吗"),
    entry("archive.where", "档案该放哪", "档案放哪里 没工作档案放哪 档案存哪儿 档案去哪个人才中心"),
    entry(
        "hukou.move_out", "户口怎么迁", "户口迁回家 迁户口要什么 户口怎么转走 户口能迁吗",
        rumours=(Rumour("房东会收走我的身份证", "不会。"),),
    ),
)  # fmt: skip
QUESTIONS = {
    "archive.transfer": ("转档案的快递谁来寄", "档案啥时候动身"),
    OUT_OF_SCOPE: ("今天天气怎么样", "食堂几点开", "讲个笑话", "身份证丢了"),
}
SPOKEN = ("abc", "def", "abcdef", "ghi")


@pytest.fixture(scope="module")
def segmenter(tmp_path_factory):
    return Segmenter(Dictionary(("档案", "户口"), ("转", "放", "迁")), cache_folder=tmp_path_factory.mktemp("jieba"))


@pytest.fixture(scope="module")
def model(segmenter):
    return learn(ENTRIES, QUESTIONS, segmenter)


def same(one, other) -> bool:
    """Whether two models have the same words and the same numbers."""
    words = all(getattr(one, name) == getattr(other, name) for name in ("topics", "before", "owned"))
    words = words and one.vocabulary.words == other.vocabulary.words
    pairs = zip(artifact.numbers_of(one).items(), artifact.numbers_of(other).items(), strict=True)
    return words and all(name == again and np.array_equal(left, right) for (name, left), (again, right) in pairs)


def texts(model, first: int, last: int) -> tuple[str, ...]:
    return tuple(model.questions[at] for at in range(first, last))


# sounds


def test_a_character_has_its_commonest_reading_in_plain_letters():
    readings = read_syllables()
    assert [readings[character] for character in "档案户口女"] == ["dang", "an", "hu", "kou", "nv"]


@pytest.mark.parametrize(
    ("one", "other"), [("zhang", "zan"), ("shi", "si"), ("cheng", "cen"), ("ying", "yin"), ("dang", "dan")]
)
def test_what_many_speakers_do_not_tell_apart_sounds_alike(one, other):
    assert coarse(one) == coarse(other)


@pytest.mark.parametrize(("one", "other"), [("zha", "cha"), ("dong", "don"), ("an", "en")])
def test_what_they_do_tell_apart_does_not(one, other):
    assert coarse(one) != coarse(other)


@pytest.fixture(scope="module")
def spelling():
    readings = {"档": "dang", "案": "an", "怎": "zen", "么": "me", "转": "zhuan", "户": "hu", "口": "kou"}
    counts = {"档案": 9, "怎么": 9, "转": 9, "户口": 6, "罕": 1}
    return Spelling.learn(counts, ["ems多久到", "寄ems吗"], ("档案", "户口"), readings)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("danganzenmezhuan", "档案怎么转"),
        ("dangan怎么转", "档案怎么转"),
        ("da怎么转", "档案怎么转"),  # initials of a word that is asked often
        ("hk", "户口"),
        ("ems多久", "ems多久"),  # a Latin word that is asked for stays
        ("xyz", "xyz"),
        ("a" * 61, "a" * 61),  # longer than anybody spells
        ("123", "123"),
        ("", ""),
    ],
)
def test_latin_letters_are_read_as_the_words_they_spell(spelling, written, meant):
    assert spelling.read(written) == meant


# features


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.of_all(read_syllables(), ("档案", "转"))


def test_features_come_in_three_channels(vocabulary):
    """Characters with the edges of the text, pairs of sounds, words; sentence marks are none."""
    names = vocabulary.names("档案，转", ("档案", "转"))
    assert [*names.values()] == ["c^", "c档", "c案", "c转", "c$", "p档案", "p案转", "w档案", "w转"]
    assert UNKNOWN not in names


def test_homophones_share_their_sounds_and_nothing_else(vocabulary):
    right, wrong = (set(vocabulary.numbers(text, (text,))) - {UNKNOWN} for text in ("档案", "党案"))
    shared = {vocabulary.names("档案", ("档案",))[number] for number in right & wrong}
    assert shared == {"c^", "c案", "c$", "p档案"}


@pytest.mark.parametrize("text", ["", "𠀀", "档𠀀案", "\ud800", "\0", " ", "a"])
def test_any_text_has_features_and_each_has_a_name(vocabulary, text):
    assert set(vocabulary.numbers(text, ("罕见",))) == vocabulary.names(text, ("罕见",)).keys()


def test_some_numbers_are_given_anew_and_the_others_are_unknown(vocabulary):
    kept = vocabulary.numbers("档案", ("档案",))
    numbers = np.full(vocabulary.size + 1, UNKNOWN, dtype=np.int32)
    numbers[kept] = range(len(kept))
    few = vocabulary.renumbered(numbers)
    assert few.numbers("档案", ("档案",)) == [*range(len(kept))]
    assert few.numbers("档转", ("转",)) == [0, 1, UNKNOWN, 3, UNKNOWN, UNKNOWN]
    assert few.words == {"档案": len(kept) - 1}


def test_a_vector_has_length_one_and_tells_how_much_is_known():
    rarity = np.array([1.0, 3.0], dtype=np.float32)
    vector = as_vector([0, 1, 1, UNKNOWN], rarity)
    assert vector.ids.tolist() == [0, 1]
    assert vector.values[1] / vector.values[0] == pytest.approx(3 * (1 + math.log(2)))
    assert float(vector.values @ vector.values) == pytest.approx(1)
    assert vector.known == 0.75
    assert as_vector([UNKNOWN], rarity).known == 0
    assert len(as_vector([], rarity).ids) == 0


# training


def test_a_network_tells_apart_what_can_be_told_apart():
    """Each topic has a yes or no of its own: a text may speak of two, and what speaks of none is like none."""
    vectors = [as_vector(["abcdefghi".index(one) for one in text], np.ones(9, dtype=np.float32)) for text in SPOKEN]
    network = teach(vectors, [(0,), (1,), (0, 1), ()], size=9, count=2)
    assert [(network.logits(vector) > 0).tolist() for vector in vectors] == [
        [True, False], [False, True], [True, True], [False, False],
    ]  # fmt: skip


def test_what_was_said_before_changes_what_is_meant(segmenter):
    """The same words after one topic and after another; a question of its own stays what it is."""
    talk = [
        Example("多久", ("archive.transfer",), "archive.transfer"), Example("多久", ("hukou.move_out",), "hukou.move_out")
    ]  # fmt: skip
    ranker = Ranker(ENTRIES, segmenter, learn(ENTRIES, QUESTIONS, segmenter, talk))
    assert [ranker.likeliest("多久", after=one.after)[0] for one in talk] == [one.after for one in talk]
    assert ranker.likeliest("户口怎么迁", after="archive.where")[0] == "hukou.move_out"


def test_what_holds_after_any_answer_asks_of_that_answer(segmenter):
    """Learnt after some topics only, it stays with each; with a subject it is a question of its own."""
    talk = [Example(text, (), ANYTHING) for text in ("多久", "要不要盖章", "周末行吗")]
    ranker = Ranker(ENTRIES, segmenter, learn(ENTRIES, QUESTIONS, segmenter, talk))
    for topic in ranker.topics:
        assert ranker.likeliest("要盖章吗", after=topic)[0] == topic
    assert ranker.likeliest("户口怎么迁", after="archive.where")[0] == "hukou.move_out"


def test_a_model_keeps_the_questions_of_its_entries(model):
    assert model.topics == ("archive.transfer", "archive.where", "hukou.move_out", OUT_OF_SCOPE)
    for entry in ENTRIES:
        assert texts(model, *model.owned[entry.id]) == own_questions(entry)
    assert len(model.questions) == sum(len(own_questions(entry)) for entry in ENTRIES)


def test_each_question_is_nearest_to_itself(model, segmenter):
    reader = Reader(model, segmenter)
    for at in range(len(model.questions)):
        likeness = reader.compare(model.questions[at])
        assert int(model.near(likeness.vector, 0, len(model.questions)).argmax()) == at
        (owner,) = (entry for entry, (first, last) in model.owned.items() if first <= at < last)
        assert model.topics[int(likeness.learned.argmax())] == owner


def test_a_rumour_finds_the_entry_that_corrects_it(segmenter):
    base = KnowledgeBase.build(ENTRIES, questions=QUESTIONS, segmenter=segmenter)
    decision = base.ask("听说房东会收走身份证")
    assert isinstance(decision, Answer)
    assert decision.topic == "hukou.move_out"


def test_why_names_the_features_that_speak_for_a_topic(model, segmenter):
    shares = model.telling("档案怎么转", segmenter.cut("档案怎么转").terms, 0)
    assert [share for _, share in shares] == sorted((share for _, share in shares), reverse=True)
    assert {"w档案", "w转"} <= {name for name, _ in shares[:20]}


def test_the_order_of_entries_and_questions_makes_no_difference(model, segmenter):
    turned = {topic: tuple(reversed(texts)) for topic, texts in reversed(QUESTIONS.items())}
    assert same(learn(tuple(reversed(ENTRIES)), turned, segmenter), model)


def test_without_any_question_outside_nothing_breaks(segmenter):
    assert learn(ENTRIES[:1], {}, segmenter).topics == ("archive.transfer",)


# kept on disk


@pytest.fixture
def learnt():
    """How often each model was learnt."""
    return []


@pytest.fixture
def opened(tmp_path, model, learnt):
    """Opens the model of a key from the test's folder."""

    def once():
        learnt.append(1)
        return model

    return lambda key="k": artifact.keep(tmp_path, key, once)


def test_a_model_is_learnt_once_and_read_back_the_same(opened, learnt, model):
    assert same(opened(), model)
    again = opened()
    assert same(again, model)
    assert (again.words, again.spelling) == (model.words, model.spelling)
    assert len(learnt) == 1
    assert not again.network.inner.flags.writeable


@pytest.mark.parametrize("name", ["words.json", "inner.npy", "ids.npy"])
@pytest.mark.parametrize("harm", ["missing", "empty", "half", "rubbish"])
def test_a_damaged_model_is_learnt_anew(opened, learnt, model, tmp_path, name, harm):
    """Whatever is wrong with a file, the answer is a sound model, and the next process finds it mended."""
    opened()
    path = tmp_path / "model-k" / name
    content = path.read_bytes()
    path.unlink()  # what is mapped stays as it was
    if harm != "missing":
        path.write_bytes({"empty": b"", "half": content[: len(content) // 2], "rubbish": b"\xff\x00" * 99}[harm])
    assert same(opened(), model)
    assert len(learnt) == 2
    assert same(opened(), model)
    assert len(learnt) == 2


def test_a_draft_that_was_never_finished_is_not_read(opened, learnt, model, tmp_path):
    """A process that dies while it writes leaves a draft; the model's own name appears only when all is written."""
    opened()
    (tmp_path / "model-k").rename(tmp_path / "draft-dead")
    (tmp_path / "draft-dead/words.json").unlink()
    assert same(opened(), model)
    assert len(learnt) == 2


def test_where_nothing_can_be_kept_there_is_a_model_all_the_same(model, tmp_path):
    """A folder that is full or gone costs the time to learn and nothing else; nothing half-written stays."""
    assert same(artifact.keep(tmp_path / "gone", "k", lambda: model), model)
    (tmp_path / "model-k").write_text("a folder cannot take a file's name", encoding="utf-8")
    assert same(artifact.keep(tmp_path, "k", lambda: model), model)
    assert list(tmp_path.glob("draft-*")) == []


def test_a_full_disk_leaves_no_draft(model, tmp_path):
    """The kernel refuses to let any file grow, as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        kept = artifact.keep(tmp_path, "k", lambda: model)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert same(kept, model)
    assert [path.name for path in tmp_path.iterdir()] == ["model.lock"]


def test_only_the_models_opened_last_are_kept(opened, tmp_path):
    for at, key in enumerate("abcd"):
        opened(key)
        os.utime(tmp_path / f"model-{key}", (at, at))
    opened("a")
    opened("e")
    assert len(list(tmp_path.glob("model-*/"))) == 3
    assert (tmp_path / "model-e").is_dir()


def test_the_same_content_has_the_same_key_and_another_another():
    asked = [("archive.transfer", ("档案怎么转",))]
    assert artifact.key_of(asked, [("a", ("甲",))]) == artifact.key_of(list(asked), [("a", ("甲",))])
    keys = {
        artifact.key_of(asked, [("a", ("甲",))]),
        artifact.key_of(asked, [("a", ("乙",))]),
        artifact.key_of(asked, [("b", ("甲",))]),
        artifact.key_of([], [("a", ("甲",))]),
    }
    assert len(keys) == 4


def test_changed_questions_are_learnt_and_the_same_are_found(segmenter, tmp_path):
    """By way of the base: an entry's answer may change without learning anew, what it is asked by may not."""

    def models(entries, questions) -> int:
        KnowledgeBase.build(entries, questions=questions, segmenter=segmenter, model_folder=tmp_path)
        return len(list(tmp_path.glob("model-*/")))

    assert models(ENTRIES, QUESTIONS) == 1
    reworded = (replace(ENTRIES[0], short="换了说法。"), *ENTRIES[1:])
    assert models(tuple(reversed(reworded)), QUESTIONS) == 1
    assert models(ENTRIES, QUESTIONS | {"archive.where": ("档案搁哪儿",)}) == 2
    shutil.rmtree(tmp_path)
    tmp_path.mkdir()
    assert models((replace(ENTRIES[2], rumours=(Rumour("换了谣言", "不对。"),)), *ENTRIES[:2]), QUESTIONS) == 1
