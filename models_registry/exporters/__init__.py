"""From trained networks to the arrays that predictors read. Runs where models are trained, never where they serve."""
