"""Words that stand in pictures: lines that were recognised, and the index of them."""
