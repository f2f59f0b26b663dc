"""When reading has to wait or go slowly: on battery, and while other programs need the processor.

Battery: as in Documentation/ABI/testing/sysfs-class-power of Linux. Load: the share of the
processors that we may use that programs of normal priority take, our own left out; what runs
"nice", as the encoder does, is background work of others, and has no claim to be let through.
"""

from __future__ import annotations

import os
import time

from csearchd.system.processors import usable

STAT = "/proc/stat"
POWER_SUPPLIES = "/sys/class/power_supply"

POWER_SECONDS = 5.0  # between looks at the power supplies: some take milliseconds to answer
PAUSE_SECONDS = 2.0  # of rest, once the encoder has done what it had, while others are busy,
_SPELL_SECONDS = 1.0  # and of work in between
_LOAD_SECONDS = 2.0  # between looks at the processors
# Shares of our processors at which others begin, and cease, to be busy. Though at the lowest
# priority, the encoder was seen to take 0.38 from twice as many busy programs as processors.
_BUSY, _FREE = 0.55, 0.4
_STALE_SECONDS = 60.0  # after which what the processors did before tells nothing
_TICKS = os.sysconf("SC_CLK_TCK")


class PowerPolicy:
    """What stands against reading at full speed. For one thread, but for `insist`."""

    def __init__(self, supplies: str = POWER_SUPPLIES) -> None:
        self._supplies = supplies
        self._looked = 0.0
        self._on_battery = False
        self.battery_since = 0
        """When the battery was first seen to be in use, nanoseconds since 1970."""
        self._load = Load()
        self._insisted = False

    def insist(self) -> None:
        """The user wants pictures to be read on this battery."""
        self._insisted = True

    def on_battery(self) -> bool:
        now = time.monotonic()
        if now - self._looked >= POWER_SECONDS or not self._looked:
            self._looked = now
            found = on_battery(self._supplies)
            if found and not self._on_battery:
                self.battery_since = time.time_ns()
            if not found:
                self._insisted = False
            self._on_battery = found
        return self._on_battery and not self._insisted

    def loaded(self, encoder: int | None) -> bool:
        """Whether other programs than we and the process `encoder` need the processors."""
        return self._load.look(encoder)


class Spells:
    """Work and rest by turns, while other programs need the processors."""

    def __init__(self) -> None:
        self._work_until = self._rest_until = 0.0

    def rest(self, busy: bool) -> bool:
        """Whether it is time to rest; `busy`: the encoder still has work from the last spell."""
        now = time.monotonic()
        if now < self._work_until:
            return False
        if busy:
            self._rest_until = now + PAUSE_SECONDS
        if now < self._rest_until:
            return True
        self._work_until = now + _SPELL_SECONDS
        return False


class Load:
    """How busy others are, with a memory, so that it doesn't flap."""

    def __init__(self) -> None:
        self._busy = False
        self._share = 0.0
        self._then: tuple[float, float] | None = None  # monotonic seconds, others' seconds
        self._processors: frozenset[int] = frozenset()

    def look(self, encoder: int | None) -> bool:
        now, processors = time.monotonic(), usable()
        moved = processors != self._processors  # to another cpuset, whose counts are others
        self._processors = processors
        if self._then is None or moved or now - self._then[0] > _STALE_SECONDS:
            self._then, self._share, self._busy = (now, _foreground(encoder)), 0.0, False
        elif now - self._then[0] >= _LOAD_SECONDS:
            then, before = self._then
            seconds = _foreground(encoder)
            share = (seconds - before) / (now - then) / len(processors)
            self._share = (self._share + max(0.0, share)) / 2
            self._then = (now, seconds)
            self._busy = self._share > (_FREE if self._busy else _BUSY)
        return self._busy


def on_battery(directory: str = POWER_SUPPLIES) -> bool:
    """Whether a battery of the machine (not of a mouse) is in use, and nothing else feeds it."""
    try:
        names = os.listdir(directory)
    except OSError:
        return False
    discharging = False
    for name in names:
        supply = os.path.join(directory, name)
        kind = _first_line(os.path.join(supply, "type"))
        if kind in ("Mains", "USB", "Wireless") and _first_line(supply + "/online") == "1":
            return False
        if kind == "Battery" and _first_line(supply + "/scope") != "Device":
            discharging |= _first_line(supply + "/status") == "Discharging"
    return discharging


def _first_line(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.readline().strip()
    except OSError:
        return ""


def _foreground(encoder: int | None) -> float:
    """Seconds, since the machine started, that programs of normal priority but ours have had of
    the processors that we may use."""
    ours = {f"cpu{number}" for number in usable()}
    spent = 0
    try:
        with open(STAT, encoding="ascii") as file:
            for line in file:
                processor, *ticks = line.split()
                if processor in ours:
                    user, _, system, *_ = map(int, ticks)
                    spent += user + system
    except (OSError, ValueError):
        return 0.0
    own = os.times()
    return spent / _TICKS - own.user - own.system - _system_seconds(encoder)


def _system_seconds(pid: int | None) -> float:
    """What the kernel has done for a process, whose own work counts as nice (proc(5))."""
    try:
        with open(f"/proc/{pid or 'none'}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[12]) / _TICKS
    except (OSError, IndexError, ValueError):
        return 0.0
