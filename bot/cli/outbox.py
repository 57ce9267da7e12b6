"""`flask outbox`: deliveries that need somebody's eye."""

import click
from flask.cli import AppGroup

from bot.cli.current import current_application, shown_errors
from bot.outbox import store
from bot.outbox.state import Delivery, DeliveryState

outbox = AppGroup("outbox", help="发件箱：没发成的、可能重复的。")
_LIMIT = click.option("--limit", default=50, show_default=True, help="最多显示多少条。")


@outbox.command("list")
@click.option("--doubtful", is_flag=True, help="只看平台没有答复、可能收到两次的。")
@_LIMIT
@shown_errors
def list_deliveries(*, doubtful: bool, limit: int) -> None:
    """发送失败的、保留着的和等待中的消息。不显示内容。"""
    application = current_application()
    states = (DeliveryState.FAILED, DeliveryState.HELD, DeliveryState.PENDING, DeliveryState.SENDING)
    with application.database.read() as session:
        found = store.list_doubtful(session, limit=limit) if doubtful else store.list_open(session, states, limit=limit)
    for delivery in found:
        click.echo(_line(delivery))
    if not found:
        click.echo("没有。")


@outbox.command("retry")
@click.argument("delivery_id")
@shown_errors
def retry(delivery_id: str) -> None:
    """让一条已经失败的消息重新发送。"""
    application = current_application()
    with application.database.write() as session:
        found = store.retry_failed(session, delivery_id, now=application.clock.now())
    if not found:
        message = f"没有失败的消息 {delivery_id}"
        raise click.ClickException(message)
    click.echo("会马上重发。")


def _line(delivery: Delivery) -> str:
    doubt = "　可能重复" if delivery.doubtful else ""
    code = f"　{delivery.code}" if delivery.code else ""
    return (
        f"{delivery.id}　{delivery.state.value:8}　{delivery.channel}　{delivery.subject}"
        f"　试过 {delivery.attempts} 次{code}{doubt}"
    )
