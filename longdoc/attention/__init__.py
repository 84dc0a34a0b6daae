"""Exact attention of a few queries over a long prefix, in bounded memory.

`partial` attends over one run of keys and returns its log-sum-exp, `merge` joins
such parts exactly, `tiles` cuts what a position method's branches let a query see
into runs, `dense` puts them together for one layer, and `interface` is what
transformers calls.
"""
