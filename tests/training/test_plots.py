"""Every plot can be drawn from a run."""

import io

import numpy as np
import pytest

from training import plots


@pytest.mark.parametrize(
    "draw, axes",
    [
        (lambda t: plots.labels(t.data.rows.labels), 1),
        (lambda t: plots.against_label(t.figures.evaluation), 2),
        (lambda t: plots.intervals(t.figures.evaluation), 2),
        (lambda t: plots.coverage(t.figures.evaluation, 0.9), 1),
        (lambda t: plots.width_and_error(t.figures.evaluation), 1),
        (lambda t: plots.reasons({"a beer": (50.0, {"strength": 9.5, "pH": -3.0}), "another": (50.0, {"pH": 1.0})}), 2),
        (lambda t: plots.effects(t.model, t.data.rows.inputs), 6),
        (lambda t: plots.effects(t.model, t.data.rows.inputs, ("abv", "ph")), 2),
        (lambda t: plots.cleaned({step.rule: step.rows_affected for step in t.data.cleaning}), 1),
    ],
)
def test_every_plot_is_drawn(trained, draw, axes):
    figure = draw(trained)
    assert len(figure.axes) == axes
    assert all(axis.get_xlabel() for axis in figure.axes)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=40)
    assert picture.getvalue().startswith(b"\x89PNG")


def test_a_constant_input_has_no_effect_to_plot(trained):
    inputs = trained.data.rows.inputs.copy()
    inputs[:, 5] = np.float32(4.4)
    assert len(plots.effects(trained.model, inputs).axes) == 5
