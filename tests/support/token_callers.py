"""A process of its own for the token tests: many threads ask the shared store at once; prints what they got."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from bot.clock import Chance, SystemClock
from bot.crypto import Cipher
from bot.db import Database
from bot.gateway.http import Timeouts
from bot.gateway.redis_tokens import RedisTokenStore
from bot.gateway.tokens import DatabaseTokenStore
from bot.wechat.client import GatewayClient


def main() -> None:
    """Arguments: the store's URL, the platform's URL, how many threads."""
    store_url, platform_url, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    clock = SystemClock()
    chance, cipher = Chance(clock), Cipher([b"k" * 32])
    tokens = (
        DatabaseTokenStore(Database(store_url), clock, chance, cipher)
        if "sql" in store_url.split(":")[0]
        else RedisTokenStore(store_url, chance, cipher)
    )
    client = GatewayClient(
        app_id="wx1", app_secret="SECRET", api_base_url=platform_url, tokens=tokens, timeouts=Timeouts(3, 8)
    )
    barrier = Barrier(threads)

    def ask(_number: int) -> str:
        barrier.wait()
        client.post("message/custom/send", data={"touser": "o"})
        return "ok"

    _say("ready")
    sys.stdin.readline()
    with ThreadPoolExecutor(threads) as pool:
        _say(json.dumps(list(pool.map(ask, range(threads)))))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


main()
