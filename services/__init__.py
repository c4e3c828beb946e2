"""The extracted services: what has left the monolith, each with a database of its own.

`reviews` and `notices` are the pilot of the migration. They read: change data capture copies their
rows out of the monolith's tables, and every write still belongs to the monolith. What they answer
under a path that they took over is, byte for byte, what the monolith answers there, as a visitor
whom a split sends to one side and later to the other must not notice.

A service never reads the monolith's database and knows nothing of the gateway in front of it.
`common` holds what any service needs and no service's own words.
"""
