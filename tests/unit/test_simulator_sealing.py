"""The simulator's sealing against wechatpy's, both ways, and what it refuses to open."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wechatpy.crypto import PrpCrypto
from wechatpy.enterprise.crypto import WeChatCrypto as WeComCrypto
from wechatpy.utils import check_signature

from bot.clock import Chance, SystemClock
from bot.simulator.errors import SealBrokenError
from bot.simulator.sealing import Seal

KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
OTHER_KEY = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefg"


def seal(key: str = KEY, receiver: str = "wx01") -> Seal:
    return Seal(token="token", encoding_aes_key=key, receiver_id=receiver, chance=Chance(SystemClock()))


@given(st.text(min_size=1, max_size=400))
@settings(max_examples=50, deadline=None)
def test_wechatpy_opens_what_we_seal_and_we_open_what_it_seals(text: str) -> None:
    peer = PrpCrypto(base64.b64decode(KEY + "="))
    assert peer.decrypt(seal().seal(text), "wx01") == text
    assert seal().open(peer.encrypt(text, "wx01").decode()) == text


def test_signatures_are_those_of_wechatpy() -> None:
    check_signature("token", seal().sign("1700000000", "nonce"), "1700000000", "nonce")
    sealed = seal(receiver="ww01").seal("echo")
    signature = seal(receiver="ww01").sign("1700000000", "nonce", sealed)
    assert WeComCrypto("token", KEY, "ww01").check_signature(signature, "1700000000", "nonce", sealed) == "echo"
    assert seal().signed(seal().sign("1", "2"), "1", "2")
    assert not seal().signed("0" * 40, "1", "2")
    assert not seal().signed("签名", "1", "2")


@pytest.mark.parametrize(
    "sealed",
    [
        "",
        "AAAA",
        "not base64!",
        base64.b64encode(b"\0" * 32).decode(),
        base64.b64encode(b"x" * 33).decode(),
        seal(OTHER_KEY).seal("words"),
        seal(receiver="wx02").seal("words"),
        seal().seal("words")[:-8],
    ],
    ids=["empty", "short", "no base64", "zeros", "odd length", "other key", "other receiver", "cut"],
)
def test_what_was_not_sealed_for_us_stays_closed(sealed: str) -> None:
    with pytest.raises(SealBrokenError):
        seal().open(sealed)
