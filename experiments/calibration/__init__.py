"""How often the engine errs: seeded simulations through the code that judges real tests."""
