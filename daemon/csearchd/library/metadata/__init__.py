"""What is stored of pictures beside their vectors: metadata for filters, keywords, details."""
