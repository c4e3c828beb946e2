"""The app notices of the shop."""
