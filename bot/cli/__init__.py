"""The command line, as sub-commands of `flask`. One module a group; nothing here decides anything."""

from flask import Flask

from bot.cli.alerts import alerts
from bot.cli.audit import audit
from bot.cli.broadcast_ways import broadcast
from bot.cli.database import database
from bot.cli.doctor import doctor
from bot.cli.drill import drill
from bot.cli.kb import kb
from bot.cli.keys import keys
from bot.cli.outbox import outbox
from bot.cli.reminders import reminders
from bot.cli.rota import rota
from bot.cli.run import serve, worker
from bot.cli.safety import safety
from bot.cli.staff import staff
from bot.cli.students import students


def register_commands(app: Flask) -> None:
    """`flask --help` shows all of them."""
    for command in (
        kb,
        safety,
        alerts,
        students,
        staff,
        rota,
        reminders,
        broadcast,
        outbox,
        database,
        keys,
        worker,
        serve,
        doctor,
        audit,
        drill,
    ):
        app.cli.add_command(command)
