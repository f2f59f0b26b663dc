"""What a score means: the tag vocabulary, pictures in general, confidence and tag probabilities.

Used by search and by tags; imports neither.
"""
