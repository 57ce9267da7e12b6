"""An edit of the knowledge reaches every process that serves it, learnt once, in a process apart."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.packs import edit, entry, write_pack

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60


class Served:
    """One process; it answers a line with a line."""

    def __init__(self, folder: Path, cache: Path) -> None:
        environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "support.answering", str(folder), str(cache)],
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )

    def ask(self, question: str) -> str:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def comes_to_say(self, question: str, said: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while (answer := self.ask(question)) != said:
            assert time.monotonic() < deadline, answer
            time.sleep(0.1)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_pack(tmp_path / "knowledge")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    (tmp_path / "cache").mkdir()
    return tmp_path / "cache"


@pytest.fixture
def processes(folder: Path, cache: Path) -> Iterator[list[Served]]:
    started = [Served(folder, cache) for _ in range(2)]
    yield started
    for one in started:
        one.process.communicate(timeout=30)
    assert [one.process.returncode for one in started] == [0, 0]


def test_both_processes_serve_an_edit_and_neither_serves_a_fault(processes: list[Served], folder: Path, cache: Path):
    question = "档案怎么转"
    assert [one.ask(question) for one in processes] == ["学校统一寄出。"] * 2
    edit(folder, "office: career", "office: nowhere")  # with it all that comes before it is mended is refused
    edit(folder, "去派出所办", "去三楼办", name="national/hukou.yaml")
    for one in processes:
        one.comes_to_say("?", "national/archive.yaml:1 archive.transfer：office 不认识 nowhere，可用的有 career")
    assert [one.ask("户口怎么迁") for one in processes] == ["去派出所办。"] * 2
    edit(folder, "office: nowhere", "office: career")
    more = entry("archive.where", "档案存放在哪", short="在档案馆。", word="存放")
    with (folder / "national/archive.yaml").open("a", encoding="utf-8") as file:
        file.write(more)
    for one in processes:
        one.comes_to_say("档案存放在哪", "在档案馆。")
        assert one.ask("户口怎么迁") == "去三楼办。"
        assert one.ask("?") == "-"
    assert len(list(cache.glob("good-*"))) == 2
    assert len(list(cache.glob("model-*"))) == 2  # each content was learnt once
    assert not [*cache.glob("copy-*"), *cache.glob("draft-*")]


def test_the_process_apart_tells_faults_with_file_and_line(folder: Path, cache: Path):
    edit(folder, "  title: 档案怎么转\n", "  titel: 档案怎么转\n")
    done = subprocess.run(
        [sys.executable, "-m", "knowledge", str(folder), str(cache)], cwd=ROOT, stdout=subprocess.PIPE, check=False
    )
    assert done.returncode == 1
    assert ["national/archive.yaml", 2] in [fault[:2] for fault in json.loads(done.stdout)]
    assert list(cache.glob("good-*")) == []
