"""What is known: the database and its schema, vectors in memory, the directory tree."""
