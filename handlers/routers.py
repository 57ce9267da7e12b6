"""The order in which handlers are asked. The first that answers wins; the last always answers words."""

from bot.routing.services import Handler
from handlers.account import account
from handlers.binding import binding
from handlers.callback import callback
from handlers.comfort import comfort
from handlers.duty import duty
from handlers.faq import fallback, faq
from handlers.guide import guide
from handlers.human import human
from handlers.media import media
from handlers.plan import plan
from handlers.privacy import privacy
from handlers.results import results
from handlers.safe import safe
from handlers.staff import staff
from handlers.subscription import subscription, taps

ROUTERS: tuple[Handler, ...] = (
    duty,  # staff about the rota
    staff,  # everything from WeCom: alerts are taken there
    binding,  # 绑定, 解绑, and a scanned code; whole sentences only, so it is in nobody's way
    privacy,  # 我的数据, 删除我的数据; likewise
    taps,  # “允许” in a subscription pop-up
    results,  # of sends; they are from nobody who follows
    account,  # follow, unfollow, and events without words
    media,  # what cannot be read as words
    safe,  # answers to a safety notice, before anything else can take them for its own
    plan,  # an answer to its question may be a telephone number or 找老师, so it is asked first
    callback,  # 打给我, while somebody worries about the student
    comfort,  # 陪我冷静一下, 热线
    human,  # a person, before any machine's guess
    subscription,  # 退订 must always work
    guide,
    faq,
    fallback,
)

IN_MAINTENANCE = frozenset({privacy, safe, plan, callback, comfort, human, subscription})
"""Who answers students in maintenance mode too: what helps somebody in need, 我已安全, 退订, 我的数据."""
