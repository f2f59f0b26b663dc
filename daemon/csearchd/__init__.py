"""csearchd: the service that knows what is in the user's pictures and answers searches."""
