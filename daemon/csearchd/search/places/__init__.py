"""Places: a name to a point on Earth, a point to the nearest city, offline."""
