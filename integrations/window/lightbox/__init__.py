"""One picture at a time, as large as the window, and what is known of it."""
