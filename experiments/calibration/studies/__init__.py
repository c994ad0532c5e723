"""One module per group of studies; `catalogue` lists them all."""
