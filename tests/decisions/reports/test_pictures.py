"""Pictures as geometry: figures land where they belong, and axes end at round figures."""

import pytest

from decisions.reports.pictures import plot_of, rounded


def test_plot__figures__lie_between_the_ends_of_its_axes():
    plot = plot_of([10.0, 20.0], [3.0, 47.0])
    assert (plot.least, plot.most, plot.steps) == ((10.0, 0.0), (20.0, 50.0), (2.0, 10.0))
    assert (plot.x(10.0), plot.x(20.0), plot.y(0.0), plot.y(50.0)) == (72.0, 624.0, 220.0, 26.0)
    assert [tick.label for tick in plot.x_ticks()] == ["10", "12", "14", "16", "18", "20"]
    assert [tick.label for tick in plot.y_ticks()] == ["0", "10", "20", "30", "40", "50"]


@pytest.mark.parametrize("values", [[5.0, 5.0], [0.0, 0.0], [-1e-12, 0.0]])
def test_plot__figures_that_are_all_the_same__has_room_on_both_sides(values):
    plot = plot_of(values, values)
    assert plot.least[1] < values[0] < plot.most[1]
    assert plot.least[0] < values[0] < plot.most[0]


def test_plot__from_zero__begins_there_and_shows_what_is_below():
    assert plot_of([0.0, 1.0], [40.0, 50.0], from_zero=True).least[1] == 0.0
    assert plot_of([0.0, 1.0], [-40.0, 50.0], from_zero=True).least[1] <= -40.0


def test_band__narrower_than_can_be_seen__is_drawn_inside_the_picture():
    plot = plot_of([0.0, 1.0], [0.0, 1.0])
    band = plot.band(1.0, 1.0, "1")
    assert float(band.width) == 3.0
    assert float(band.x) + float(band.width) == 624.0
    assert plot.band(-5.0, 9.0, "2").width == "552.0"


@pytest.mark.parametrize(
    ("value", "step", "text"),
    [(0.5, 0.1, "0.5"), (12_000.0, 1_000.0, "12,000"), (-2.0, 1.0, "−2"), (-0.0, 0.5, "0.0"), (0.25, 0.05, "0.25")],
)
def test_rounded__figure__has_the_decimals_of_its_step(value, step, text):
    assert rounded(value, step) == text
