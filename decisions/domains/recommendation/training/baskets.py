"""What each unit dealt with, as the linear models read it: at most so many items, the strongest contacts."""

from typing import Final

import numpy as np
from scipy.sparse import csr_array

from models_registry.pipeline import Parameter

LONGEST_BASKET: Final = Parameter(
    about="Most items that are read of one unit, those with the most intent",
    default=500,
    least=2,
    most=10_000,
    whole=True,
)


def cut(contacts: csr_array, longest: int) -> csr_array:
    """Return the contacts with at most `longest` of each unit, those with the most intent."""
    lengths = np.diff(contacts.indptr)
    if lengths.max(initial=0) <= longest:
        return contacts
    units = np.repeat(np.arange(len(lengths)), lengths)
    order = np.lexsort((contacts.indices, -contacts.data, units))
    rank = np.arange(len(order)) - np.repeat(contacts.indptr[:-1], lengths)
    kept = np.sort(order[rank < longest])
    return csr_array((contacts.data[kept], (units[kept], contacts.indices[kept])), shape=contacts.shape)


def scaled(contacts: csr_array) -> csr_array:
    """Return the contacts in units of their mean, so that penalties mean the same whatever the mix of events."""
    mean = float(contacts.data.mean()) if contacts.nnz else 1.0
    return csr_array((contacts.data / mean, contacts.indices, contacts.indptr), shape=contacts.shape)
