"""What `strangler` and `cdc` share: problems with a place, and typed reading of YAML.

Text becomes nodes (`nodes`), shapes read nodes into values (`shapes`, `records`), and whatever
is wrong on the way is collected as problems (`problems`), so that a person sees all of them in
one run. Everything here is pure; environment variables come in as an argument.
"""
