"""Sealing and signing against an implementation that is not ours: the npm package wechat-crypto, both ways."""

import hashlib
import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support.world import AES, ROOT, WECOM_AES

from bot.callback.sealing import Seal
from bot.callback.xml import read_fields, text_element

PEERS = ROOT / "tests" / "peers"
NOON = datetime(2027, 6, 8, 4, tzinfo=UTC)
STAMP = str(int(NOON.timestamp()))
ACCOUNTS = {
    "wechat": {"token": "wechat-token", "key": AES, "id": "wx0123456789abcdef"},
    "wecom": {"token": "wecom-token", "key": WECOM_AES, "id": "ww0123456789abcdef"},
}
TEXTS = (
    "",
    "a",
    "你好",
    "<xml><Content><![CDATA[不想活了]]></Content></xml>",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467 é e\u0301 \u202e",
    "]]> & < > \" ' \\ \n\r\n\t",
    "长" * 5000,
    *("x" * size for size in range(1, 34)),  # every length of the padding
)
Run = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def peer() -> Run:
    """Runs jobs in the peer; installed once, from its lock file, into a folder that git does not see."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("没有 npm：apt install nodejs npm 才能和独立实现对照")
    files = [PEERS / name for name in ("package.json", "package-lock.json", ".npmrc", "peer.js")]
    state = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:12]
    folder = ROOT / "var" / f"peers-{state}"
    if not folder.exists():
        folder.parent.mkdir(exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix="peers-new-", dir=folder.parent))
        for file in files:
            shutil.copy(file, fresh)
        installed = subprocess.run(
            [npm, "ci", "--ignore-scripts"], cwd=fresh, capture_output=True, text=True, timeout=100, check=False
        )
        assert installed.returncode == 0, installed.stderr
        try:
            fresh.rename(folder)
        except OSError:  # another test process was first
            shutil.rmtree(fresh)

    def run(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
        done = subprocess.run(
            [node, "--no-deprecation", "peer.js"],
            cwd=folder,
            input=json.dumps(jobs).encode(),
            capture_output=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        results: list[dict[str, Any]] = json.loads(done.stdout)
        return results

    return run


def ours(account: dict[str, str]) -> Seal:
    return Seal(
        token=account["token"], receiver_id=account["id"], aes_keys=[account["key"]], skew=timedelta(seconds=300)
    )


@pytest.mark.parametrize("name", ACCOUNTS)
def test_we_open_what_the_peer_sealed(peer: Run, name: str) -> None:
    """Its signature passes and its text comes out, byte by byte."""
    account = ACCOUNTS[name]
    seal = ours(account)
    jobs = [
        {"work": "seal", "text": text, "timestamp": STAMP, "nonce": f"n{number}", **account}
        for number, text in enumerate(TEXTS)
    ]
    for job, sealed in zip(jobs, peer(jobs), strict=True):
        query = {"timestamp": STAMP, "nonce": job["nonce"], "msg_signature": sealed["signature"]}
        seal.check(query, sealed=sealed["encrypt"], now=NOON)
        assert seal.open(sealed["encrypt"]).text.decode() == job["text"]


@pytest.mark.parametrize("name", ACCOUNTS)
def test_the_peer_opens_what_we_sealed(peer: Run, name: str) -> None:
    """It finds our text, our account's id, and the signature that we wrote."""
    account = ACCOUNTS[name]
    seal = ours(account)
    replies = [f"<xml>{text_element('Content', text)}</xml>" for text in TEXTS]
    outers = [
        read_fields(seal.seal_reply(reply, key=0, nonce=f"n{n}", now=NOON).encode()) for n, reply in enumerate(replies)
    ]
    jobs = [
        {
            "work": "open",
            "encrypt": outer["Encrypt"],
            "timestamp": outer["TimeStamp"],
            "nonce": outer["Nonce"],
            **account,
        }
        for outer in outers
    ]
    for outer, reply, opened in zip(outers, replies, peer(jobs), strict=True):
        assert opened == {"message": reply, "id": account["id"], "signature": outer["MsgSignature"]}
