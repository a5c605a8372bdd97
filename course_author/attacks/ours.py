"""The corpus against our grader: intake, engine, record, feedback."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import time
from pathlib import Path

from .corpus import Outcome, unit_name
from .submission import hand_in, own_points, remove_submission, scores_in
from .watch import Ears, active_in, differences, leaks_of, look_outside, state, strays

WALL_SECONDS = 2.0  # for a student's cell; the engine's own 60 s would make this corpus take an hour
SLOW = 240  # seconds after which one submission counts as having stopped ours


class Ours:
    """Grades the corpus with the real engine, in a course of its own."""

    def __init__(self, folder: Path):
        from course_grader.course import plan

        self.course, self.settings = folder, plan.settings(folder)
        self.plan = plan.of_unit(self.settings, unit_name())[unit_name()]
        self.engine = self._started()
        with self._run() as run:  # makes the lock file, and has the own answers tried
            list(run.results([], self._pool(self.engine)))
        self.ears = Ears()

    def _started(self):
        from course_grader.engine import engine

        return engine.Engine(self.course, wall_seconds=WALL_SECONDS).__enter__()

    def _run(self):
        from course_grader.grading.run import Run

        return Run(self.settings, unit_name(), regrade=True)

    @staticmethod
    def _pool(engine):
        """A pool that judges with this engine."""
        from course_grader.engine import pool

        class OneEngine(pool.Local):
            def submit(self, job):
                return self._threads.submit(lambda: [engine.grade(*notebook) for notebook in job.notebooks])

        return OneEngine(1, stay=True)

    def measure(self, letter: str, attack) -> Outcome:
        outcome, started = Outcome(attack.name, letter), time.monotonic()
        hand_in(attack, self.course)
        before, seen = state(self.course, attack.student), {str(path) for path in strays(set())}
        self.ears.take()
        signal.alarm(SLOW)
        try:
            with self._where(attack) as engine:
                self._grade(attack, engine, outcome)
        except Exception as error:
            outcome.stopped = f"{type(error).__name__}: {error}"[:300]
        finally:
            signal.alarm(0)
        outcome.seconds = time.monotonic() - started
        outcome.changed += differences(before, state(self.course, attack.student))
        look_outside(outcome, attack, seen, self.ears, everywhere=True)
        remove_submission(attack.student, self.course)
        return outcome

    @contextlib.contextmanager
    def _where(self, attack):
        """The running engine; for an attack on the folder in which it is started, one that is started there."""
        if not attack.inside:
            yield self.engine
            return
        before = Path.cwd()
        os.chdir(self.course / "submitted" / attack.student / unit_name())
        engine = self._started()
        try:
            yield engine
        finally:
            engine.close()
            os.chdir(before)

    def _grade(self, attack, engine, outcome: Outcome) -> None:
        plan = dataclasses.replace(self.plan, cpu_seconds=attack.cpu_seconds)
        with self._run() as run:
            list(run.results([], self._pool(engine)))  # the own answers have the unit's own time
            run.plans[unit_name()] = plan
            (result,) = run.results([attack.student], self._pool(engine))
        if "error" in result:
            outcome.refused = result["error"]
            outcome.leaked += leaks_of(result["error"], attack)
            if not attack.refused:
                outcome.lost.append(f"refused: {result['error']}"[:120])
            return
        (verdict,) = result["verdicts"]
        outcome.causes = {cell.name: cell.cause for cell in verdict.cells}
        scores = {cell.name: cell.points for cell in verdict.cells}
        booked = {name: score or 0.0 for name, score in scores_in(self.course, attack.student).items()}
        for points in (scores, booked):
            gained, lost = own_points(points, attack)
            outcome.gained = max(outcome.gained, gained)
            outcome.lost += [slug for slug in lost if slug not in outcome.lost]
        cause = outcome.causes.get(f"{attack.target}-hidden", "none")
        if not attack.earns and not attack.refused and cause not in attack.causes:
            outcome.lost.append(f"the cause is {cause!r}")
        outcome.leaked += leaks_of(self._told(verdict), attack)
        self._pages(attack, plan, verdict, outcome)

    def _told(self, verdict) -> str:
        """All of a verdict that may reach a student; `detail` is for the instructor alone."""
        cells = [[cell.name, cell.message, cell.output, cell.cause] for cell in verdict.cells]
        return json.dumps([cells, [dataclasses.asdict(run) for run in verdict.runs], verdict.notes])

    def _pages(self, attack, plan, verdict, outcome: Outcome) -> None:
        """Look at what a student and a teaching assistant see: the feedback page, the autograded notebook's outputs."""
        import nbformat

        from course_grader.feedback.autograded import submission_of
        from course_grader.feedback.page import page as feedback_page

        path = self.course / "autograded" / attack.student / unit_name() / f"{unit_name()}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        page = feedback_page(plan, submission_of(notebook, plan, attack.student), verdict, {}, {})
        outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
        outcome.leaked += leaks_of(page, attack) + leaks_of(json.dumps(outputs), attack)
        outcome.changed += active_in(page)

    def close(self) -> None:
        self.engine.close()
