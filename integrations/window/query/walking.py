"""Walks the searches of a window, back and forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from query.steps import Limits, Step, Steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from query.pictures import Picture
    from window import Window


class Walking:
    def __init__(self, window: Window) -> None:
        self._window = window
        self._steps = Steps(self.enable)
        self.settle = self._steps.settle

    def visit(self) -> None:
        """What the window shows is searched for now."""
        self._steps.visit(self.step)

    @property
    def step(self) -> Step:
        """All that is in the window."""
        window = self._window
        query, found = window.field.get_text(), tuple(window.chips.pictures)
        return Step(query, found, window.scope.folders, window.sort, window.limits.limits)

    def like(self, found: Sequence[Picture]) -> None:
        """A search with pictures alone, after the present one."""
        self.go(self.step._replace(query="", pictures=tuple(found), limits=Limits()))

    def go(self, step: Step) -> None:
        """Another search, after the present one."""
        self.settle()
        self._go(step)

    def back(self) -> None:
        self._go(self._steps.back())

    def forward(self) -> None:
        self._go(self._steps.forward())

    def _go(self, step: Step | None) -> None:
        """Searches for all of `step` at once."""
        if step is None:
            return
        window = self._window
        window.viewer.lightbox.leave()
        with window.unsearched():
            window.field.set_text(step.query)
        window.field.set_position(-1)
        window.chips.clear()
        window.chips.add(step.pictures)
        window.scope.set_folders(step.folders)
        window.set_sort(step.sort)
        window.limits.set_limits(step.limits)
        window.search()

    def enable(self, back: bool, forward: bool) -> None:
        """Whether there is something in either direction."""
        for name, possible in (("back", back), ("forward", forward)):
            self._window.lookup_action(name).set_enabled(possible)
