"""How answers are shown to people and to programs."""
