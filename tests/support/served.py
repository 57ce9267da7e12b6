"""The product as its own process, started by its own command on a free port with an empty database."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

ROOT = Path(__file__).resolve().parent.parent.parent
_START_TRIES = 9  # with the pauses below about 40 s
_STOP_WITHIN_S = 40


def chromium_path() -> str | None:
    """Where Chromium is installed, or None."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass(frozen=True)
class Served:
    """A running product."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def page_url(self) -> str:
        return f"{self.url}/simulator/"

    def control(self, method: str, path: str, **fields: Any) -> dict[str, Any]:
        """An answer of the control API of the simulator."""
        answer = requests.request(method, f"{self.page_url}control/{path}", json=fields or None, timeout=30)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        return told


def start(folder: Path) -> Served:
    """A product that answers. Whoever starts it ends it."""
    port = _free_port()
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LIXIAO_")}
    environment |= {
        "LIXIAO_VAR": str(folder),
        "LIXIAO_DATABASE__URL": f"sqlite:///{folder / 'served.db'}",
        "LIXIAO_SERVER__PORT": str(port),
    }
    log = folder / "served.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "flask", "serve"]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    served = Served(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait_until_healthy(served)
    except AssertionError:
        _stop(process)
        raise
    return served


@contextmanager
def serve(folder: Path) -> Iterator[Served]:
    """A product that answers, and afterwards one that ended by itself: with code 0 and without leaving a child."""
    served = start(folder)
    family: list[psutil.Process] = []
    try:
        family = psutil.Process(served.process.pid).children(recursive=True)
        yield served
    finally:
        code = _stop(served.process)
        left = [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        for one in left:
            one.kill()
    assert code == 0, f"ended with {code}\n{_tail(served.log)}"
    assert left == [], f"left running: {left}"


def _wait_until_healthy(served: Served) -> None:
    retry = Retry(
        total=_START_TRIES, backoff_factor=0.2, backoff_max=8, status_forcelist=(502, 503), allowed_methods=None
    )
    with requests.Session() as session:
        session.mount("http://", HTTPAdapter(max_retries=retry))
        try:
            session.get(f"{served.url}/healthz", timeout=5).raise_for_status()
        except requests.RequestException as error:
            raise AssertionError(f"did not start\n{_tail(served.log)}") from error


def _stop(process: subprocess.Popen[bytes]) -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(_STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return -signal.SIGKILL


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-20:])
