"""A try-out on somebody's own order log: what usual methods do to it, what ours do, and what a test could find."""
