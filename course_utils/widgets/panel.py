"""The frame of every widget: its controls, its readout and the picture below, live or at rest."""

import html
import os

from course_utils import plot


def explore(draw, **controls):
    """Show what `draw` makes of the controls' first values, and let the reader move them.

    Parameters
    ----------
    draw : callable
        Called with one keyword argument for each control; returns an Axes and the text that says what it shows.
    **controls
        For a slider ``(low, high, step, start)``, for a menu a list whose first entry is chosen.

    Returns
    -------
    None
        The output is displayed.
    """
    from IPython.display import display

    start = {name: spec[0] if isinstance(spec, list) else spec[3] for name, spec in controls.items()}
    picture, text = _picture(draw, start)
    if unattended():
        display(picture)
        print(text)
        return
    panel = _panel(draw, controls, text)
    display(panel.box)
    panel.shown = display(picture, display_id=True)


def unattended():
    """Whether nbgrader grades or validates, so that nobody is there to move a control."""
    return bool(os.environ.get("NBGRADER_EXECUTION") or os.environ.get("NBGRADER_VALIDATING"))


class _Panel:
    """The live part of a widget: its controls, its readout, and the handle of the picture below."""

    def __init__(self, draw, inputs, readout, box):
        self.draw, self.inputs, self.readout, self.box = draw, inputs, readout, box
        self.shown = None

    def redraw(self, _change):
        picture, text = _picture(self.draw, {name: _value(control) for name, control in self.inputs.items()})
        self.readout.value = paragraph(text)
        self.shown.update(picture)


def _panel(draw, controls, text):
    import ipywidgets

    inputs = {name: _control(name.replace("_", " "), spec) for name, spec in controls.items()}
    readout = ipywidgets.HTML(paragraph(text))
    panel = _Panel(draw, inputs, readout, ipywidgets.VBox([*inputs.values(), readout]))
    for control in inputs.values():
        control.observe(panel.redraw, names="value")
    return panel


def _control(label, spec):
    """A menu for a list, a slider for (low, high, step, start)."""
    import ipywidgets

    whole_label = {"description_width": "initial"}
    if isinstance(spec, list):
        return ipywidgets.Dropdown(options=spec, description=label, style=whole_label)
    low, high, step, start = spec
    whole = all(float(number).is_integer() for number in (low, step))
    return ipywidgets.FloatSlider(
        min=low, max=high, step=step, value=start, readout_format=".0f" if whole else ".2f", description=label,
        style=whole_label, layout=ipywidgets.Layout(width="32em"),
    )  # fmt: skip


def _value(control):
    """What a control says; a slider is put back on its grid, for the browser says 99.99999999999999 for 100."""
    if not hasattr(control, "step"):
        return control.value
    steps = round((control.value - control.min) / control.step)
    return round(control.min + steps * control.step, 10)


def paragraph(text):
    """The HTML of a readout. Its role makes screen readers say the new text when it changes."""
    return f'<p role="status" style="margin:0.3em 0">{html.escape(text, quote=False)}</p>'


@plot.styled
def _picture(draw, values):
    """Draw one state; return it as an image with alternative text, and the text."""
    ax, text = draw(**values)
    return plot.image(ax, text), text
