"""Whole demonstrations in process, for many seeds: the product's pure packages on the simulated shop, without HTTP.

The only part of `simulation` that imports the product.
"""
