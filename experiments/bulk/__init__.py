"""Files and DataFrames of units in, the same with their assignments out."""
