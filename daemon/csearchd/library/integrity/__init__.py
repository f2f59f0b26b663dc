"""Detects damage to the library, or its loss, and repairs what can be repaired."""
