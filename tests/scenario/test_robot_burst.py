"""A burst of a hundred messages for one group: all arrive, the red ones first, and the platform never refuses one."""

from datetime import timedelta

from support.world import World

from bot.channel.messages import OutboundMessage, Source, TextContent
from bot.outbox.state import Priority


def test_a_hundred_at_once_all_arrive_and_red_goes_first(world: World) -> None:
    """Ninety ordinary ones were there before; ten red ones come a moment later."""
    outbox = world.application.outbox

    def burst(count: int, word: str, priority: Priority) -> None:
        with world.application.database.write() as session:
            for number in range(count):
                message = OutboundMessage(Source.ROBOT, "", TextContent(f"{word} {number}"))
                outbox.enqueue(session, message, priority=priority, subject="rota:burst")

    burst(90, "日报", Priority.NOTICE)
    world.tick()
    burst(10, "红色警报", Priority.SAFETY)
    world.advance(seconds=31, step=timedelta(seconds=10))
    group = world.phone("群")
    early = [message.text for message in group.unread()]
    assert sum("红色" in text for text in early) == 5, "the reserve of the running minute"
    world.advance(seconds=31, step=timedelta(seconds=10))
    assert sum("红色" in message.text for message in group.unread()) == 10
    world.advance(minutes=8, step=timedelta(seconds=20))
    texts = [message.text for message in group.unread()]
    assert len(texts) == 100
    assert [text for text in texts if "日报" in text] == [f"日报 {number}" for number in range(90)]
    assert max(index for index, text in enumerate(texts) if "红色" in text) < 40
    group.read += len(texts)
    world.no_other_messages()
