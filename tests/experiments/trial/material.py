"""Order logs of small invented shops, written the way shops write them."""

import csv
from datetime import date, timedelta
from pathlib import Path

import numpy as np

START = date(2024, 1, 1)


def orders(customers: int = 600, days: int = 120, seed: int = 5) -> list[tuple[str, str, date, float]]:
    """Return orders (id, customer, day, amount) of customers who buy at their own rates and at their own prices."""
    rng = np.random.default_rng(seed)
    rates, levels = rng.gamma(0.6, 0.06, customers), rng.lognormal(3.5, 0.8, customers)
    found = []
    for customer in range(customers):
        for day in np.flatnonzero(rng.random(days) < rates[customer]):
            amount = round(float(levels[customer] * rng.lognormal(0.0, 0.3)), 2)
            found.append((f"K{customer:05d}", START + timedelta(days=int(day)), amount))
    found.sort(key=lambda entry: entry[1])
    return [(f"B{number:06d}", customer, day, amount) for number, (customer, day, amount) in enumerate(found)]


def write_orders(path: Path, rows: list[tuple[str, str, date, float]]) -> Path:
    """Write the orders as a plain CSV file."""
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow(["order_id", "customer_id", "created_at", "amount"])
        writer.writerows([order, customer, f"{day} 10:30:00", amount] for order, customer, day, amount in rows)
    return path


def write_lines(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    """Write lines as they are."""
    path.write_text("\n".join(lines) + "\n", encoding=encoding)
    return path
