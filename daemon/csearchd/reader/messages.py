"""The messages between the daemon and the reader process.

They are joined by a Unix socketpair (SOCK_STREAM) and speak the frames of csearch.protocol.wire.
The reader has one picture at a time. When the daemon's end closes, it exits.

daemon → reader
    {op: "configure", limits: {pixels, bytes, memory}, threads: int}
                                        the first message
    {op: "read", path: bin, stat: [size, mtime_ns, ctime_ns, inode]}
                                        read the words of the file at `path`; one whose stat differs
                                        has changed

reader → daemon
    {op: "working"}                     a part of the picture is done; the time limit begins anew
    {op: "words", lines: [[text, corners, confidence, script], …]}
                                        its lines (csearchd.library.texts.lines)
    {op: "failed", reason: {code, parameters, text}, changed: bool}
                                        why (csearchd.reasons); `changed`: it isn't the file that
                                        was meant, or can't be read now: try again later
    {op: "unusable", reason: as of `failed`}
                                        the recogniser can't be used; the reader exits
"""

from __future__ import annotations

from dataclasses import dataclass

from csearch.protocol.wire import Message
from csearchd.encoder.messages import Limits

MAX_FRAME = 16 << 20
MEMORY = 360_000_000  # bytes that decoding a picture may take in the reader


@dataclass(frozen=True)
class Settings:
    """The `configure` message."""

    limits: Limits
    threads: int  # that compute

    @classmethod
    def from_message(cls, message: Message) -> Settings:
        """Raises KeyError or TypeError where the message is not as described above."""
        return cls(Limits(**message["limits"]), max(1, int(message["threads"])))

    def to_message(self) -> Message:
        limits = self.limits
        return {
            "op": "configure",
            "limits": {"pixels": limits.pixels, "bytes": limits.bytes, "memory": limits.memory},
            "threads": self.threads,
        }
