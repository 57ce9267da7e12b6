"""All tables together, for the migrations: importing this registers each feature's records."""

from bot import beats, leases
from bot.broadcast import records as broadcast
from bot.cases import records as cases
from bot.channel import records as channel
from bot.conversation import records as conversation
from bot.db import Base
from bot.escalation import drill_records as drills
from bot.escalation import records as escalation
from bot.escalation import rota_records as rota
from bot.outbox import records as outbox
from bot.reminders import records as reminders
from bot.staff import records as staff
from bot.students import records as students

FEATURES = (
    beats,
    leases,
    broadcast,
    cases,
    channel,
    conversation,
    drills,
    escalation,
    outbox,
    reminders,
    rota,
    staff,
    students,
)
METADATA = Base.metadata
