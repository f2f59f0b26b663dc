"""Formats answers, for people and for programs."""
