"""Installs units, the D-Bus service and desktop integrations for a user, and removes them."""
