"""The messages between the daemon and the encoder process.

They are joined by a Unix socketpair (SOCK_STREAM) and speak the frames of csearch.protocol.wire,
each of at most MAX_FRAME bytes. `job` is a number of the daemon's choice, unique while the encoder
lives. Jobs overlap. When the daemon's end closes, the encoder exits at once.

daemon → encoder
    {op: "configure", model: str (the model's directory, surrogateescape), limits: {pixels, bytes,
     memory}, threads: int, device: "auto" | "cpu" | a name of encoder.devices.accelerators,
     cache: str | None (a directory), without: [names of devices that aren't to be used]}
                                        the first message
    {op: "read", job, path: bin, stat: [size, mtime_ns, ctime_ns, inode], sidecars: bool,
     pair: bool}                        open the file, read it once, say what it is; a file whose
                                        stat differs from `stat`, if that is given, has changed;
                                        `sidecars`: whether files beside it describe it, or
                                        are JPEGs of the same name as a raw file; `pair`: whether
                                        these are compared with it
    {op: "look", job, path: bin}        the same for a picture to search with, without `stat`: its
                                        file comes as a descriptor (SCM_RIGHTS) with this frame or
                                        before it; `path` only tells the suffix
    {op: "encode", job}                 answer to `identified`: its vector is wanted
    {op: "sign", job}                   the same: only its signature is wanted
    {op: "skip", job}                   answer to `identified`: its content is known
    {op: "explain", job, query: bin}    answer to `identified`: which regions match a query is
                                        wanted; a unit vector, little-endian float32

encoder → daemon
    {op: "started", job}                a thread has begun with the file
    {op: "waiting", job}                it found no room in memory and was put back; it is `started`
                                        again in its turn
    {op: "identified", job, scheme: int, identity: bin (16 bytes), format: str, width: int,
     height: int (as shown), size, mtime_ns, ctime_ns, inode, metadata: {…}}
    {op: "pairing", job}                JPEGs beside the raw file are decoded: a crash is likely
                                        theirs; followed by `started`
    {op: "paired", job}                 it is camera raw, and a JPEG beside it shows the same
    {op: "decoding", job}               decoding begins. The time limit (the module
                                        `picture_time_limit`) runs from `started` to `identified`
                                        or `waiting`, and from here to `decoded`
    {op: "decoded", job, incomplete: bool, signature: bin}
                                        the pixels are ready, as far as the file has them; a crash
                                        from now on is not the picture's fault. `signature`: what
                                        copies are told by (csearchd.library.signatures)
    {op: "encoded", job, vector: bin}   a unit vector, little-endian float16
    {op: "signed", job}                 `decoded` had all that is wanted
    {op: "explained", job, png: bin}    a picture of the regions (csearchd.encoder.occlusion)
    {op: "failed", job, reason: {code, parameters, text}, changed: bool, …}
                                        why (csearchd.reasons); with size, mtime_ns, ctime_ns,
                                        inode where the file could be opened, and scheme, identity
                                        where it could be read; `changed`: it changed or vanished
                                        meanwhile, or is incomplete and may still be written;
                                        try again later
    {op: "ready", arithmetic: "onnx" | "int8" | "bf16" | "float32" | a device, seconds: float,
     remark: as `reason` of `failed`, or None}
                                        the image tower is loaded ("onnx": the exported one, in
                                        float32; "int8": the same with 8-bit weights; "cuda": on
                                        a GPU, in torch or onnxruntime). `remark`: why it isn't on
                                        the device that there is, or that was asked for
    {op: "loading", device: str | None} after either: another tower is being loaded beside the
                                        exported one, for a device or the CPU. A crash is its fault
                                        until it is `ready` again, with that one, or as it was where
                                        it can't be loaded
    {op: "unusable", reason: as of `failed`}
                                        the model cannot be loaded or run; the encoder exits

After `failed`, `paired`, `encoded`, `signed`, `explained` and `skip` the job is over. `metadata`
holds what csearchd.metadata.record found, and only that.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from csearch.protocol.wire import Message

MAX_FRAME = 64 << 20
SOFTWARE = "csearch"  # the text "Software" of PNG files made here; no others are overwritten
METHOD = "occlusion"  # by which `explain` finds regions

Want: TypeAlias = Literal["encode", "sign", "skip"]
"""What the daemon wants of an identified job (messages above)."""


@dataclass(frozen=True)
class Limits:
    """What one picture may cost. A picture beyond a limit fails with the limit's name."""

    pixels: int
    bytes: int  # of the file
    memory: int  # bytes that decoding may take


@dataclass(frozen=True)
class Settings:
    """The `configure` message."""

    model: str  # the model's directory
    limits: Limits
    threads: int  # that compute
    device: str  # "auto", "cpu" or the name of another device
    cache: str | None = None  # the directory where checked files are noted
    without: tuple[str, ...] = ()  # devices that have ended or hung an encoder

    @classmethod
    def from_message(cls, message: Message) -> Settings:
        """Raises KeyError or TypeError where the message is not as described above."""
        return cls(
            model=message["model"],
            limits=Limits(**message["limits"]),
            threads=max(1, int(message["threads"])),
            device=message["device"],
            cache=message["cache"],
            without=tuple(message["without"]),
        )

    def to_message(self) -> Message:
        return {
            "op": "configure",
            "model": self.model,
            "limits": {
                "pixels": self.limits.pixels,
                "bytes": self.limits.bytes,
                "memory": self.limits.memory,
            },
            "threads": self.threads,
            "device": self.device,
            "cache": self.cache,
            "without": list(self.without),
        }
