"""Filters by hand: the bar, what it offers, the chips, and what is offered while typing."""
