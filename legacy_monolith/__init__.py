"""The shop "All-in-One Commerce": a Django monolith as companies have them, left path by path.

It knows nothing of the gateway, the relay or the extracted services.
"""
