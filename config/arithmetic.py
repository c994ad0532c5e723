"""Keeps NumPy to one thread a process; imported before NumPy is.

A decision multiplies small matrices many times a second: threads of its own would cost each of them more than they
save, and take processors from the other processes of the machine.
"""

import os

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
