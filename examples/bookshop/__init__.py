"""A bookshop as a JSON API: the largest of the examples. See README.md."""
