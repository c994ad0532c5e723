"""A simulated shop with known truth; it speaks HTTP to the product, as any storefront would."""
