"""Thumbnails and contact sheets, each made by a process of its own."""
