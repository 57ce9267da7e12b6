"""One of several processes that need an access token at the same moment: started by a test, no assertions here.

Usage: token_caller.py ACCOUNT_AS_JSON THREADS. Says "ready", waits for a line, prints its outcomes as JSON.
"""

import hashlib
import json
import sys

from support.threads import run_together

from bot.channel.errors import SendError
from bot.clock import Chance, SystemClock
from bot.crypto import Cipher
from bot.db import Database
from bot.gateway.http import Timeouts
from bot.gateway.tokens import DatabaseTokenStore
from bot.wechat.client import GatewayClient


def main(account: dict[str, str], threads: int) -> None:
    """Prints what each thread got: a digest of its token, or the error's code."""
    clock = SystemClock()
    store = DatabaseTokenStore(
        Database(account["database_url"]), clock, Chance(clock), Cipher([bytes.fromhex(account["data_key"])])
    )
    client = GatewayClient(
        app_id=account["app_id"],
        app_secret=account["app_secret"],
        api_base_url=account["api_base_url"],
        tokens=store,
        timeouts=Timeouts(3, 5),
    )

    def need(_number: int) -> str:
        try:
            return hashlib.sha256(store.get(f"wechat:{account['app_id']}", client.fetch).encode()).hexdigest()
        except SendError as error:
            return error.code

    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    sys.stdout.write(json.dumps(run_together(threads, need)))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), int(sys.argv[2]))
