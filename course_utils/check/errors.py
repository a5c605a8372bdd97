"""What a check raises."""


class CheckFailed(AssertionError):
    """A check that did not hold; its text is written for the person who reads it in the notebook."""

    def _render_traceback_(self):
        """Let IPython show the message alone: the frames of this module help nobody, and hidden lines stay hidden."""
        return [f"Not yet right: {self}"]
