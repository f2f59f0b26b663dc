"""What is offered to somebody who writes a query: by typing, or by choosing filters."""
