"""Reviews, the first part that left the monolith.

Of products and members it knows the names that a review shows, as copies of its own: to ask another
service for them at each request would tie it to the monolith again.
"""
