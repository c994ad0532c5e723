"""The parameters of every network of recommendation; `models_registry.exporters.learning_loop` is how they learn."""

from typing import Final

from models_registry.pipeline import Parameter

LOOP: Final[dict[str, Parameter]] = {
    "epochs": Parameter(about="Passes over the samples", default=15, least=1, most=500, whole=True),
    "batch": Parameter(about="Samples per step", default=512, least=8, most=65_536, whole=True),
    "learning_rate": Parameter(about="Step size of Adam", default=0.006, least=1e-6, most=1e6),
    "decay": Parameter(about="Weight decay of Adam", default=0.1, least=0.0, most=10.0),
    "width": Parameter(about="Numbers that stand for an item", default=32, least=2, most=512, whole=True),
    "most_samples": Parameter(
        about="Most samples, the latest ones", default=400_000, least=100, most=50_000_000, whole=True
    ),
    "threads": Parameter(
        about="Processor threads; the first training of a process decides", default=1, least=1, most=256, whole=True
    ),
}
"""Parameters of every network."""
