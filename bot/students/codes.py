"""One-time codes: how they look, how they are read however they were typed, and what is kept of them. Pure.

K7QM3-XH9PD: five characters that find the code's row, five that are secret. Without 0, 1, I, L and O, which people
mistake for one another. The secret's 31**5 possibilities would not outlast a second against a plain hash, so the hash
is keyed: who has only the database cannot search them.
"""

import hashlib
import hmac
import re
import unicodedata

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
HANDLE = 5
SECRET = 5
SCENE = "bind_"
"""A QR code's scene begins so; the code follows."""

_EXACT = re.compile(rf"\s*[{ALPHABET}]{{{HANDLE}}}\s*-\s*[{ALPHABET}]{{{SECRET}}}\s*", re.IGNORECASE)


def written(code: str) -> str:
    """The code as people read it."""
    return f"{code[:HANDLE]}-{code[HANDLE:]}"


def read(typed: str) -> str:
    """The code in what somebody typed, in capitals and without what stands between; perhaps none of ours."""
    plain = unicodedata.normalize("NFKC", typed).upper()
    return "".join(one for one in plain if one.isascii() and one.isalnum())


def looks_like_one(words: str) -> bool:
    """True if the words are nothing but a code as we write it."""
    return _EXACT.fullmatch(unicodedata.normalize("NFKC", words)) is not None


def hash_of(code: str, key: str) -> str:
    """What is stored of a code."""
    return hmac.new(key.encode(), f"binding-code:{code}".encode(), hashlib.sha256).hexdigest()


def is_same(first: str, second: str) -> bool:
    """Whether two hashes are equal, found out in the same time for all."""
    return hmac.compare_digest(first, second)
