"""Reviews, the first part that left the monolith.

The service knows no members and no products: the names that a review shows are columns of its own
(`product_name`, `author`), as a join across services would tie it to the monolith again.
"""
