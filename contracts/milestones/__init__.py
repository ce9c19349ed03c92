"""The milestone codes, what each means, and how it maps to the codes of DCSA, EPCIS, UN/CEFACT and TAF.

Invariant: a code has one row in the table; everything else about it is derived from there.
"""
