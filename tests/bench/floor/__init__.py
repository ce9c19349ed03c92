"""The floor: the same chain with no work in it, and nothing of the product.

Three services on aiokafka and asyncpg, with the product's topics. Each stores what it reads with its position in one
transaction, passes on through an outbox, and the last one tells every party of an audience. There is no check, no fold,
no case, no visibility: what it costs is what the way itself costs.

Invariant: nothing of the product is imported, here or by what is imported here; a test walks the imports.
"""
