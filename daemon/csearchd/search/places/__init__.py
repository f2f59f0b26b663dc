"""Places, offline: the point that a name stands for, and the city that a point belongs to."""
