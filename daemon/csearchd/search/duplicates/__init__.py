"""Pictures that are the same, nearly the same, or of one burst.

Candidates are pairs with similar vectors (`similar_pairs`). Whether one is a copy of the other, or
of a part of it, is decided by their pixels (`alignment`, `agreement`, `comparison`). Pictures that
look alike and were taken within seconds are a burst (`shots`): different pictures, none of them
superfluous. `groups` is what `dupes` lists, `results` what a search leaves out.
"""
