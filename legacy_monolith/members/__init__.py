"""The app members of the shop."""
