"""Installed models: catalogue, download, installation, and the towers that run without torch."""
