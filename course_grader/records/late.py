"""The late penalty: nbgrader's plugin with grace hours, percent for each started day, a cap, and extensions.

In nbgrader_config.py, as a string (nbgrader's autograde asks the same plugin in its AssignLatePenalties step, as
`ledger.py` does, so the points are the same both ways):

    c.AssignLatePenalties.plugin_class = "course_grader.records.late.LatePenalty"
    c.LatePenalty.percent_per_day = 10

The rules. Grace and extension move the deadline: what lies before the moved deadline costs nothing, and days count from
there. A started day counts as a whole one. The percentage is of the points earned, so a penalty is never more than
those. It is rounded down to a hundredth of a point, in the student's favour. Times are UTC, as nbgrader stores them.
"""

from __future__ import annotations

import math

from nbgrader.plugins import LateSubmissionPlugin
from nbgrader.preprocessors import AssignLatePenalties
from traitlets import Dict, Float, TraitError, validate

from ..contracts import GraderError

HOUR, DAY = 3600, 86_400  # seconds


class LatePenalty(LateSubmissionPlugin):
    """Percent of the points for each started day after deadline, grace and extension, at most the cap."""

    grace_hours = Float(0.0, min=0.0, help="Hours after the deadline that cost nothing.").tag(config=True)
    percent_per_day = Float(
        0.0, min=0.0, max=100.0, help="Percent of the points for each started day; 0: no penalty."
    ).tag(config=True)
    cap_percent = Float(100.0, min=0.0, max=100.0, help="The most that is ever taken off, in percent.").tag(config=True)
    extension_hours = Dict(
        {},
        help="Student id -> hours of extension in every unit, or student id -> {unit: hours}. It comes on top of an "
        "extension that stands in the gradebook.",
    ).tag(config=True)

    @validate("extension_hours")
    def _check_extensions(self, proposal):
        for student, value in proposal["value"].items():
            for hours in value.values() if isinstance(value, dict) else [value]:
                if type(hours) not in (int, float) or not 0 <= hours < math.inf:
                    raise TraitError(
                        f"c.LatePenalty.extension_hours of {student!r} holds {hours!r}: give hours, 0 or more, or "
                        "{unit: hours}."
                    )
        return proposal["value"]

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """Points to take off; None if nothing is.

        score: points earned in the notebook; total_seconds_late: after the gradebook's deadline and extension
        """
        days = self.days_late(student_id, total_seconds_late, getattr(self.parent, "assignment_id", ""))
        percent = min(days * self.percent_per_day, self.cap_percent)
        if days and self.penalty_method == "zero":  # nbgrader's own setting, which this class inherits
            percent = 100.0
        if percent == 0 or score <= 0:
            return None
        return min(float(score), math.floor(score * percent + 1e-6) / 100)  # 0.29 * 100 is a little under 29

    def days_late(self, student: str, seconds: float, unit: str = "") -> int:
        """Started days after the moved deadline."""
        return max(0, math.ceil((seconds - (self.grace_hours + self.extension(student, unit)) * HOUR) / DAY))

    def extension(self, student: str, unit: str = "") -> float:
        """Hours that this student has more than the others."""
        value = self.extension_hours.get(student, 0)
        return float(value.get(unit, 0) if isinstance(value, dict) else value)


def penalty_step(config, unit: str) -> AssignLatePenalties:
    """nbgrader's step with the course's plugin in it; the plugin finds the unit where nbgrader puts it."""
    step = AssignLatePenalties(config=config)
    step.assignment_id = unit
    try:
        step.init_plugin()
    except (TraitError, ImportError) as error:
        raise GraderError(f"The late penalty cannot be set up: {' '.join(str(error).split())}") from None
    return step


def penalize(step: AssignLatePenalties, submission, row, student: str) -> None:
    """Put a notebook's penalty into its row, as nbgrader's step does; both are rows of the open gradebook."""
    row.late_submission_penalty = None
    late = submission.total_seconds_late
    if late > 0:
        penalty = step.plugin_inst.late_submission_penalty(student, row.score, late)
        if penalty is not None:
            row.late_submission_penalty = step._check_late_penalty(row, penalty)
