"""Google Takeout's JSON files beside pictures: which one is a picture's, and what it says."""
