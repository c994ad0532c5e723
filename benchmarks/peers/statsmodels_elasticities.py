"""statsmodels on items one by one: a Poisson regression on log price, trend and weekdays, which is its fastest form."""

import json
import statistics
import sys
import time
from importlib import import_module

import numpy as np


def main() -> None:
    """Read items from standard input and print the median processor time of one, and the slopes in log price.

    Each item is {"units": [...], "price": [...], "day": [...]}: pieces, log price and number of each day.
    """
    api = import_module("statsmodels.api")
    taken, slopes = [], []
    for item in json.load(sys.stdin):
        units, price, day = (np.array(item[name], dtype=np.float64) for name in ("units", "price", "day"))
        began = time.process_time()
        weekdays = np.eye(7)[day.astype(np.int64) % 7]
        design = np.column_stack((price, np.linspace(-1.0, 1.0, len(units)), weekdays))
        found = api.GLM(units, design, family=api.families.Poisson()).fit()
        taken.append(time.process_time() - began)
        slopes.append(float(found.params[0]))
    print(json.dumps({"seconds_of_an_item": statistics.median(taken), "slopes": slopes}))


if __name__ == "__main__":
    main()
