"""Messages on disk: whole, sealed, kept through a crash, and never in each other's way."""

import json
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.threads import run_together

from bot.channel.messages import InboundMessage, Kind, Source
from bot.crypto import Cipher
from bot.routing.spool import Spool

WORDS = "我有点撑不住了"
MESSAGE = InboundMessage(
    source=Source.WECHAT,
    sender="openid-of-li",
    dedup_key="msg:1",
    kind=Kind.TEXT,
    sent_at=datetime(2027, 6, 8, 4, 0, 1, tzinfo=UTC),
    signature_key="s" * 40,
    text=WORDS,
    event="",
    event_key="",
    extra={"task_id": "A1"},
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "var" / "spool"


@pytest.fixture
def spool(folder: Path, cipher: Cipher) -> Spool:
    return Spool(folder, cipher)


def waiting(spool: Spool) -> list[InboundMessage]:
    return [message for _, message in spool.messages()]


def age(path: Path, seconds: float) -> None:
    """The file looks `seconds` older than it is."""
    at = path.stat().st_mtime - seconds
    os.utime(path, (at, at))


def test_what_was_put_comes_back_whole(spool: Spool):
    spool.put(MESSAGE)
    assert waiting(spool) == [MESSAGE]
    assert spool.waiting() == 1


@pytest.mark.parametrize(
    "message",
    [
        replace(MESSAGE, kind=Kind.EVENT, event="click", event_key="ask:档案", text=""),
        replace(MESSAGE, source=Source.WECOM, kind=Kind.VOICE),
        replace(MESSAGE, text="\ud83d 半个字符 \0 \U0001f64f", extra={}),
        replace(MESSAGE, sent_at=MESSAGE.sent_at.astimezone().replace(microsecond=7)),
        replace(MESSAGE, dedup_key="../../etc/passwd"),
    ],
)
def test_every_kind_of_message_comes_back(spool: Spool, message: InboundMessage):
    spool.put(message)
    assert waiting(spool) == [message]


def test_another_process_finds_it(spool: Spool, folder: Path, cipher: Cipher):
    """It is on disk, complete, and nothing else is: the process that put it may be killed now."""
    spool.put(MESSAGE)
    assert waiting(Spool(folder, cipher)) == [MESSAGE]
    assert [path.suffix for path in folder.iterdir()] == [".sealed"]


def test_it_is_synced_before_put_returns(spool: Spool, monkeypatch: pytest.MonkeyPatch):
    """The file before it gets its name, and the folder after: or a power cut could take either."""
    synced: list[str] = []
    real = os.fsync

    def watch(descriptor: int) -> None:
        synced.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", watch)
    spool.put(MESSAGE)
    assert [Path(name).suffix for name in synced] == [".tmp", ""]


def test_the_disk_shows_no_words(spool: Spool, folder: Path):
    spool.put(MESSAGE)
    (file,) = folder.iterdir()
    data = file.read_bytes()
    assert WORDS.encode() not in data
    assert b"openid-of-li" not in data
    assert "msg" not in file.name


def test_every_try_of_one_message_is_one_file(spool: Spool):
    for _ in range(3):
        spool.put(MESSAGE)
    assert spool.waiting() == 1


def test_tries_at_the_same_moment_do_not_spoil_each_other(spool: Spool, folder: Path):
    """Two threads of one process, the same message: both succeed, and the file is whole."""
    for _ in range(20):
        run_together(8, lambda _: spool.put(MESSAGE))
        assert waiting(spool) == [MESSAGE]
        assert [path.suffix for path in folder.iterdir()] == [".sealed"]


def test_the_oldest_comes_first(spool: Spool, folder: Path):
    for number in range(5):
        before = set(folder.glob("*")) if folder.exists() else set()
        spool.put(replace(MESSAGE, dedup_key=f"msg:{number}"))
        (new,) = set(folder.glob("*")) - before
        age(new, 100 - number)
    assert [message.dedup_key for message in waiting(spool)] == [f"msg:{number}" for number in range(5)]


def test_an_empty_or_missing_folder_is_nothing_waiting(spool: Spool):
    assert waiting(spool) == []
    assert spool.waiting() == 0


class TestUnreadable:
    @pytest.fixture
    def good(self, spool: Spool, folder: Path) -> Iterator[InboundMessage]:
        """A message behind the bad one: it must come through."""
        message = replace(MESSAGE, dedup_key="msg:good")
        spool.put(message)
        for path in folder.iterdir():
            age(path, -60)
        return message

    def set_aside(self, folder: Path) -> list[str]:
        return [path.name for path in folder.iterdir() if path.suffix != ".sealed"]

    @pytest.mark.parametrize("data", [b"", b"garbage", b"\0" * 500])
    def test_garbage_is_set_aside_and_kept(self, spool: Spool, folder: Path, good: InboundMessage, data: bytes):
        (folder / "bad.sealed").write_bytes(data)
        assert waiting(spool) == [good]
        assert self.set_aside(folder) == ["bad.unreadable"]
        assert (folder / "bad.unreadable").read_bytes() == data
        assert waiting(spool) == [good]
        assert spool.waiting() == 1

    def test_a_file_under_another_name_is_not_believed(self, spool: Spool, folder: Path, good: InboundMessage):
        (original,) = folder.iterdir()
        (folder / "moved.sealed").write_bytes(original.read_bytes())
        assert waiting(spool) == [good]
        assert self.set_aside(folder) == ["moved.unreadable"]

    def test_one_of_a_key_that_was_dropped(self, spool: Spool, folder: Path, good: InboundMessage):
        Spool(folder, Cipher([b"x" * 32])).put(MESSAGE)
        assert waiting(spool) == [good]
        assert len(self.set_aside(folder)) == 1

    @pytest.mark.parametrize(
        "fields",
        [
            {},
            [],
            {"source": "telegram", "kind": "text", "sent_at": "2027-06-08T04:00:00+00:00"},
            {"source": "wechat", "kind": "text", "sent_at": "yesterday"},
            {"source": "wechat", "kind": "text", "sent_at": "2027-06-08T04:00:00+00:00", "new_field": 1},
        ],
    )
    def test_one_of_another_version(
        self, spool: Spool, folder: Path, cipher: Cipher, good: InboundMessage, fields: object
    ):
        """What cannot be understood must not keep the messages behind it waiting for ever."""
        (folder / "other.sealed").write_bytes(cipher.seal(json.dumps(fields), row="other"))
        assert waiting(spool) == [good]
        assert self.set_aside(folder) == ["other.unreadable"]


class TestFullDisk:
    def test_a_folder_that_cannot_be_made(self, tmp_path: Path, cipher: Cipher):
        (tmp_path / "var").write_text("a file in the folder's place")
        with pytest.raises(OSError, match="directory|exists"):
            Spool(tmp_path / "var", cipher).put(MESSAGE)
        with pytest.raises(OSError, match="directory|exists"):
            Spool(tmp_path / "var" / "spool", cipher).put(MESSAGE)

    def test_a_write_that_fails_leaves_nothing_half(self, spool: Spool, folder: Path, monkeypatch: pytest.MonkeyPatch):
        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            spool.put(MESSAGE)
        assert list(folder.iterdir()) == []


def test_one_that_another_worker_has_taken_meanwhile_is_skipped(spool: Spool, folder: Path):
    """Two workers work off the same folder."""
    for number in range(3):
        spool.put(replace(MESSAGE, dedup_key=f"msg:{number}"))
    seen = []
    for path, message in spool.messages():
        seen.append(message)
        for other in set(folder.iterdir()) - {path}:
            other.unlink()
    assert len(seen) == 1


def test_an_old_message_keeps_its_own_time(spool: Spool):
    """When it was sent decides what the platform still allows, not when it was worked off."""
    sent_at = MESSAGE.sent_at - timedelta(days=3)
    spool.put(replace(MESSAGE, sent_at=sent_at))
    assert waiting(spool)[0].sent_at == sent_at
