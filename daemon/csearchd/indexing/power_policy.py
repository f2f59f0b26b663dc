"""Tells whether the machine is on battery, and whether other programs are busy.

On battery the indexing thread (indexer.py) leaves most pictures for later; while other programs are
busy, it lets the encoder work in spells. Battery: see Documentation/ABI/testing/sysfs-class-power
of Linux. Other programs are busy if those with normal priority, csearch's own left out, use a large
share of our processors. Programs that run "nice" do background work, as the encoder does, and don't
count.
"""

from __future__ import annotations

import os
import time

from csearchd.system.processors import usable

STAT = "/proc/stat"
POWER_SUPPLIES = "/sys/class/power_supply"

POWER_SECONDS = 5.0  # between reads of the power supplies' state, which can take milliseconds
PAUSE_SECONDS = 2.0  # that the encoder pauses when it is throttled, after each
_WORK_SECONDS = 1.0  # of work
_LOAD_SECONDS = 2.0  # between measurements of the load
# The share of our processors above which others become busy, and below which they cease to be. Even
# at the lowest priority, the encoder took 0.38 from twice as many busy programs as processors.
_BUSY_SHARE, _FREE_SHARE = 0.55, 0.4
_STALE_SECONDS = 60.0  # after which an earlier measurement is useless
_TICKS = os.sysconf("SC_CLK_TCK")


class PowerPolicy:
    """Tells whether the machine is on battery, and whether other programs are busy.

    Only the indexing thread uses it; any thread may call `ignore_battery`.
    """

    def __init__(self, supplies: str = POWER_SUPPLIES) -> None:
        """`supplies`: the directory of the kernel's power supplies."""
        self._supplies = supplies
        self._checked = 0.0  # monotonic seconds
        self._on_battery = False
        self.battery_since = 0  # when the battery was first in use, nanoseconds since 1970
        self._load = LoadMonitor()
        self._ignore_battery = False

    def ignore_battery(self) -> None:
        """Lets pictures be read on battery, until the machine is on mains power again."""
        self._ignore_battery = True

    def on_battery(self) -> bool:
        """Whether the machine is on battery, unless that is ignored."""
        now = time.monotonic()
        if now - self._checked >= POWER_SECONDS or not self._checked:
            self._checked = now
            found = on_battery(self._supplies)
            if found and not self._on_battery:
                self.battery_since = time.time_ns()
            if not found:
                self._ignore_battery = False
            self._on_battery = found
        return self._on_battery and not self._ignore_battery

    def others_are_busy(self, encoder: int | None) -> bool:
        """Whether programs other than the daemon and the process `encoder` need the processors."""
        return self._load.others_are_busy(encoder)


class DutyCycle:
    """Alternates work and pauses, for an encoder that is throttled."""

    def __init__(self) -> None:
        self._work_until = self._pause_until = 0.0

    def must_pause(self, busy: bool) -> bool:
        """Whether to give the encoder no more work now. `busy`: it still has some."""
        now = time.monotonic()
        if now < self._work_until:
            return False
        if busy:
            self._pause_until = now + PAUSE_SECONDS
        if now < self._pause_until:
            return True
        self._work_until = now + _WORK_SECONDS
        return False


class LoadMonitor:
    """Measures how busy other programs are, with hysteresis."""

    def __init__(self) -> None:
        self._busy = False
        self._share = 0.0
        self._then: tuple[float, float] | None = (
            None  # when, and the others' processor seconds until then
        )
        self._processors: frozenset[int] = frozenset()

    def others_are_busy(self, encoder: int | None) -> bool:
        """Whether others are busy, according to the last measurement; makes one if it is time."""
        now, processors = time.monotonic(), usable()
        moved = processors != self._processors  # to another cpuset, with other counts
        self._processors = processors
        if self._then is None or moved or now - self._then[0] > _STALE_SECONDS:
            self._then, self._share, self._busy = (now, _foreground(encoder)), 0.0, False
        elif now - self._then[0] >= _LOAD_SECONDS:
            then, before = self._then
            seconds = _foreground(encoder)
            share = (seconds - before) / (now - then) / len(processors)
            self._share = (self._share + max(0.0, share)) / 2
            self._then = (now, seconds)
            self._busy = self._share > (_FREE_SHARE if self._busy else _BUSY_SHARE)
        return self._busy


def on_battery(directory: str = POWER_SUPPLIES) -> bool:
    """Whether the machine, and not just a mouse, is powered by a battery alone."""
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
    """The seconds since the start of the machine that programs with normal priority, ours left out,
    have used of our processors."""
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
    """The seconds that a process has spent in the kernel (proc(5)): they don't count as nice."""
    try:
        with open(f"/proc/{pid or 'none'}/stat", encoding="ascii", errors="replace") as file:
            return int(file.read().rpartition(")")[2].split()[12]) / _TICKS
    except (OSError, IndexError, ValueError):
        return 0.0
