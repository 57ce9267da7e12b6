"""The account's menu, as WeChat's menu/create takes it. Each click key is a question or a handler's own key."""

from typing import Any

from bot.routing.turn import ASK_PREFIX
from handlers import guide, human, subscription


def _ask(name: str, question: str) -> dict[str, Any]:
    return {"type": "click", "name": name, "key": f"{ASK_PREFIX}{question}"}


MENU: dict[str, Any] = {
    "button": [
        {
            "name": "离校办理",
            "sub_button": [
                _ask("离校手续", "离校手续怎么办"),
                _ask("退宿", "退宿要办什么"),
                _ask("毕业证领取", "毕业证怎么领"),
                {"type": "click", "name": "订阅提醒", "key": subscription.MENU_KEY},
                _ask("绑定学号", "绑定"),
            ],
        },
        {
            "name": "档案户口",
            "sub_button": [
                _ask("档案转递", "档案怎么转"),
                _ask("户口迁移", "户口怎么迁出"),
                _ask("去向登记", "毕业去向登记怎么做"),
                _ask("党团关系", "团组织关系怎么转"),
                _ask("助学贷款", "助学贷款毕业确认怎么办"),
            ],
        },
        {
            "name": "找人帮忙",
            "sub_button": [
                {"type": "click", "name": "找老师", "key": human.MENU_KEY},
                _ask("心里难受", "心理咨询怎么预约"),
                _ask("是不是骗子", "遇到电信诈骗怎么办"),
                {"type": "click", "name": "怎么用", "key": guide.MENU_KEY},
                _ask("我的数据", "我的数据"),
            ],
        },
    ]
}
