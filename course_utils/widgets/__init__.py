"""Pictures with controls: a static figure first, live controls on top, the same facts as text, all of it by keyboard.

Each widget shows the picture of its first state as an ordinary image, which stays readable with the kernel off. Sliders
and menus above it redraw the picture; sliders take the arrow keys, and a menu opens with the space bar. While nbgrader
grades or validates there is nobody to move a slider, and only the static picture and its text are shown.
"""

from .chapter_1 import activation, perceptron_line, softmax_temperature
from .chapter_2 import init_depth, loss_explorer, neuron
from .chapter_3 import chain_rule, descent, live_boundary
from .chapter_4 import capacity, dropout_masks, optimizer_race, schedule
from .chapter_5 import confusion, reliability
from .panel import explore

__all__ = [
    "activation", "capacity", "chain_rule", "confusion", "descent", "dropout_masks", "explore", "init_depth",
    "live_boundary", "loss_explorer", "neuron", "optimizer_race", "perceptron_line", "reliability", "schedule",
    "softmax_temperature",
]  # fmt: skip
