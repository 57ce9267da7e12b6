"""打给我, with or without a number."""

import pytest

from bot.safety.callback import CallRequest, find_call_request, find_phone


@pytest.mark.parametrize(
    ("text", "request_"),
    [
        ("打给我 13812345678", CallRequest("13812345678")),
        ("打给我，138-1234-5678", CallRequest("13812345678")),
        ("让老师打给我吧", CallRequest("")),
        ("“打给我”+86 13812345678", CallRequest("13812345678")),
        ("给我打个电话", CallRequest("")),
        ("不要打给我", None),
        ("别打给我", None),
        ("13812345678", None),
        ("打电话给谁", None),
    ],
)
def test_a_request_is_read(text, request_):
    assert find_call_request(text) == request_


@pytest.mark.parametrize(
    ("text", "phone"), [("我的号13912345678谢谢", "13912345678"), ("学号20191234567890", None), ("12356", None)]
)
def test_a_number_is_found(text, phone):
    assert find_phone(text) == phone
