"""A simulated shop with known truth; it speaks HTTP to the product, as any storefront would.

Only `simulation.fast` imports the product: it calls the pure packages in process, for many seeds.
"""
