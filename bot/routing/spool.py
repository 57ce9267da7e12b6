"""A folder for messages that could not be stored in time: on disk before the platform hears that all is well.

The worker works them off as soon as the database answers again. Words are sealed here too.
"""

import hashlib
import json
import os
import threading
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import structlog

from bot.channel.messages import InboundMessage, Kind, Source
from bot.crypto import Cipher, UnreadableError

logger = structlog.get_logger(__name__)

_SUFFIX = ".sealed"


class Spool:
    """Messages on disk, one file each, named by their dedup key's hash: every try of a message is the same file."""

    def __init__(self, folder: Path, cipher: Cipher) -> None:
        self._folder = folder
        self._cipher = cipher

    def put(self, message: InboundMessage) -> None:
        """The message is on disk when this returns, even if the power fails. Raises OSError if it cannot be."""
        self._folder.mkdir(parents=True, exist_ok=True)
        name = hashlib.sha256(message.dedup_key.encode()).hexdigest()
        fields = asdict(message) | {"sent_at": message.sent_at.isoformat(), "extra": dict(message.extra)}
        sealed = self._cipher.seal(json.dumps(fields, ensure_ascii=False), row=name)
        temporary = self._folder / f"{name}.{os.getpid()}.{threading.get_ident()}.tmp"
        try:
            with temporary.open("wb") as file:
                file.write(sealed)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._folder / f"{name}{_SUFFIX}")
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
        directory = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def waiting(self) -> int:
        """How many messages are on disk."""
        return sum(1 for _ in self._files())

    def messages(self) -> Iterator[tuple[Path, InboundMessage]]:
        """Each waiting message with its file, oldest first. A file that cannot be read is set aside, not deleted."""
        for path in sorted(self._files(), key=_age):
            try:
                message = self._read(path)
            except FileNotFoundError:  # another worker was faster
                continue
            except (UnreadableError, ValueError, KeyError, TypeError):
                logger.exception("spooled_message_unreadable", file=path.name)
                path.replace(path.with_suffix(".unreadable"))
                continue
            yield path, message

    def _read(self, path: Path) -> InboundMessage:
        fields = json.loads(self._cipher.open(path.read_bytes(), row=path.name.removesuffix(_SUFFIX)))
        changed = {
            "source": Source(fields["source"]),
            "kind": Kind(fields["kind"]),
            "sent_at": datetime.fromisoformat(fields["sent_at"]),
        }
        return InboundMessage(**(fields | changed))

    def _files(self) -> Iterator[Path]:
        return self._folder.glob(f"*{_SUFFIX}")


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another worker was faster
        return 0
