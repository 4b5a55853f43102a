"""A blog: readers, authors, pictures."""
