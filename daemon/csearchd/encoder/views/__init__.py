"""What a tower is given of a picture: its pixels evenly exposed and less noisy, and the photo in a
screenshot."""
