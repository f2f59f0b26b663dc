"""What keeps the library whole, or says that it isn't: its log, its files, its rows."""
