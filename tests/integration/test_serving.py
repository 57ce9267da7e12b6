"""The one command that runs web and worker: what is left when it dies without a word."""

import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from support.served import start


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_killed_outright_it_leaves_no_process_behind(tmp_path: Path):
    served = start(tmp_path)
    family = psutil.Process(served.process.pid).children(recursive=True)
    assert len(family) >= 3  # the worker, gunicorn's master and its workers
    os.kill(served.process.pid, signal.SIGKILL)
    served.process.wait()
    _, alive = psutil.wait_procs(family, timeout=30)
    for one in alive:
        one.kill()
    assert alive == []
