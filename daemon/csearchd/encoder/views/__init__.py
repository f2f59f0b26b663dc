"""What a tower is given of a picture: its pixels evenly exposed, and the photo in a screenshot."""
