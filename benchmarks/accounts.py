"""The account of the benchmark, and sealed requests of many students that nobody has sent before."""

import itertools
import json
import os
import random
import time
from pathlib import Path

from bot.clock import Chance, SystemClock
from bot.simulator.sealing import Seal
from bot.simulator.wire import write_xml

APP_ID, TOKEN = "wx0123456789abcdef", "bench-token"
AES = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
DATA_KEY = "c2l4dGVlbiBieXRlcyBhbmQgc2l4dGVlbiBtb3JlLi4="
_OPENINGS = ("", "请问", "老师好，", "想问一下", "那个，", "急，")
_QUESTIONS = (
    "档案怎么转", "我的档案寄到哪了", "签了民企档案放哪", "考研了档案要自己拿吗", "户口要迁走吗", "户口能不能留学校",
    "迁移证多久过期", "报到证还要不要", "报到证丢了怎么补", "去向登记在哪填", "换工作了要改去向吗", "三方怎么签",
    "三方毁约要赔多少", "党组织关系转到哪", "团关系怎么转", "贷款毕业确认怎么做", "贷款哪天还", "退宿要带什么",
    "毕业证什么时候领", "毕业证丢了怎么办", "离校手续怎么办", "能让同学代办吗", "心理咨询怎么约", "被骗了怎么办",
    "有人让我刷单", "校园贷注销是真的吗", "招聘要交押金", "就业办电话多少", "谢谢", "今天天气真好", "食堂几点关门",
)  # fmt: skip
_ENDINGS = ("", "？", "啊", "呢", " 谢谢", "，比较急", "，我是研究生", "，我不在学校")


def environment(database: str, folder: Path, platform: str = "http://127.0.0.1:9") -> dict[str, str]:
    """The bot's settings, as an operator would give them."""
    return {
        **os.environ,
        "LIXIAO_VAR": str(folder),
        "LIXIAO_DATABASE__URL": database,
        "LIXIAO_SERVER__LOG_LEVEL": "warning",
        "LIXIAO_WECHAT__APP_ID": APP_ID,
        "LIXIAO_WECHAT__APP_SECRET": "bench-secret",
        "LIXIAO_WECHAT__TOKEN": TOKEN,
        "LIXIAO_WECHAT__ENCODING_AES_KEY": AES,
        "LIXIAO_WECHAT__API_BASE_URL": f"{platform}/simulator/api.weixin.qq.com",
        "LIXIAO_WECOM__CORP_ID": "ww0123456789abcdef",
        "LIXIAO_WECOM__AGENT_ID": "1000002",
        "LIXIAO_WECOM__SECRET": "bench-corp-secret",
        "LIXIAO_WECOM__TOKEN": "bench-wecom-token",
        "LIXIAO_WECOM__ENCODING_AES_KEY": AES,
        "LIXIAO_WECOM__API_BASE_URL": f"{platform}/simulator/qyapi.weixin.qq.com",
        "LIXIAO_SECURITY__DATA_KEYS": json.dumps([DATA_KEY]),
        "LIXIAO_SECURITY__SECRET_KEY": "b" * 40,
        "LIXIAO_LIMITS__MESSAGES_PER_MINUTE": "100000",
        "BENCH_TOKEN": TOKEN,
        "BENCH_AES": AES,
        "BENCH_APP_ID": APP_ID,
    }


def write_requests(path: Path, count: int) -> None:
    """`count` different sealed messages of 3,000 students in some 1,500 wordings; one in two hundred is distress."""
    clock = SystemClock()
    seal = Seal(token=TOKEN, encoding_aes_key=AES, receiver_id=APP_ID, chance=Chance(clock))
    words = ["".join(parts) for parts in itertools.product(_OPENINGS, _QUESTIONS, _ENDINGS)]
    chooser = random.Random(11)
    now = int(time.time())
    start = now * 1_000_000
    with path.open("w") as file:
        for number in range(count):
            text = "撑不下去了，不想活了" if number % 200 == 0 else chooser.choice(words)
            plain = write_xml({
                "ToUserName": "gh_bench", "FromUserName": f"o{chooser.randrange(3000):027d}", "CreateTime": now,
                "MsgType": "text", "Content": text, "MsgId": start + number,
            })  # fmt: skip
            sealed, nonce = seal.seal(plain), f"n{number}"
            signature = seal.sign(str(now), nonce, sealed)
            query = f"timestamp={now}&nonce={nonce}&encrypt_type=aes&msg_signature={signature}"
            file.write(f"/wechat?{query}\t<xml><Encrypt>{sealed}</Encrypt></xml>\n")
