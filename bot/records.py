"""All tables together, for the migrations: importing this registers each feature's records."""

from bot import beats, leases, maintenance
from bot.cases import records as cases
from bot.channel import records as channel
from bot.conversation import records as conversation
from bot.db import Base
from bot.escalation import records as escalation
from bot.outbox import records as outbox
from bot.reminders import records as reminders
from bot.staff import records as staff
from bot.students import records as students

FEATURES = (beats, leases, maintenance, cases, channel, conversation, escalation, outbox, reminders, staff, students)
METADATA = Base.metadata
