"""Finding what is to be taken back, wherever it has gone."""
