"""Starts and stops what is measured: gunicorn with an application, a PostgreSQL, the emulated platforms."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WORKERS, THREADS = 2, 24


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def gunicorn(application: str, environment: dict[str, str], *, workers: int = WORKERS) -> Iterator[tuple[str, int]]:
    """A server that answers /healthz: its address and the master's process id."""
    port = free_port()
    process = subprocess.Popen(
        [
            sys.executable, "-m", "gunicorn", application, "--preload", f"--bind=127.0.0.1:{port}", f"--workers={workers}",
            f"--threads={THREADS}", "--worker-class=gthread", "--log-level=error", "--no-control-socket",
            "--backlog=512",
        ],
        cwd=ROOT, env={**environment, "PYTHONPATH": f"{ROOT}:{ROOT / 'benchmarks'}"}, start_new_session=True,
    )  # fmt: skip
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(url: str, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.05)
    raise SystemExit(f"{url} does not answer")


def workers_memory_mb(master: int) -> tuple[float, float]:
    """The largest resident set of the master's children, and the largest share of what they have in common."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return max(_memory_mb(pid, "Rss:") for pid in children), max(_memory_mb(pid, "Pss:") for pid in children)


def _memory_mb(pid: str, kind: str) -> float:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(kind)).split()[1]) * 1024 / 1e6


@contextmanager
def postgresql() -> Iterator[str]:
    import pgserver  # noqa: PLC0415 - a test dependency

    with pgserver.get_server(tempfile.mkdtemp(prefix="lixiao-bench-pg-"), cleanup_mode="delete") as server:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")


def wrk(url: str, requests: Path, *, seconds: int, connections: int = 50) -> dict[str, float]:
    """The load's figures. Every request is sent once if there are enough of them."""
    script = str(ROOT / "benchmarks" / "load.lua")
    done = subprocess.run(
        ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script, url],
        env={**os.environ, "BENCH_REQUESTS": str(requests)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    line = next(line for line in done.stdout.splitlines() if line.startswith("JSON "))
    figures = json.loads(line.removeprefix("JSON "))
    return figures | {"per_second": figures["requests"] / figures["seconds"]}
