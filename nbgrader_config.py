"""The course's nbgrader settings. Imports nothing of ours: nbgrader swallows a failing import and goes on without.

stock_config.py is the same without the judge (the last part here): copy it over this file to go back to plain nbgrader.
"""

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.course_id = "deep-learning-fundamentals"

# What release/ is made with: nbgrader's steps and two of ours, named as strings, so that a missing one stops the run.
# Formgrader's Generate button uses the same list.
c.GenerateAssignment.preprocessors = [
    "nbgrader.preprocessors.IncludeHeaderFooter",
    "nbgrader.preprocessors.LockCells",
    "course_author.units.preprocessors.NamedStubs",  # in place of ClearSolutions: the stub names its exercise
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.CheckCellMetadata",
    "nbgrader.preprocessors.ComputeChecksums",
    "nbgrader.preprocessors.SaveCells",  # tests go into the gradebook here, before they are hidden
    "nbgrader.preprocessors.ClearHiddenTests",
    "nbgrader.preprocessors.ComputeChecksums",  # again: the hidden tests are gone now
    "nbgrader.preprocessors.CheckCellMetadata",
    "course_author.units.preprocessors.TagUnanswered",  # last: Run All must reach the end of a blank notebook
]

# What a submission may bring along by accident, and nobody needs in a class folder.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", ".DS_Store", "desktop.ini"]
c.CourseDirectory.ignore += ["*.verdict.json"]  # in autograded/: for instructors, not to be copied beside feedback

# What students wrote is cleaned where it becomes HTML for formgrader: no script of one runs in anybody's browser, and
# nothing is asked for elsewhere. As strings, so that without course_grader formgrader shows an error, nothing raw.
cleaned = ("markdown2html", "clean_html", "highlight_code", "ansi2html", "e")
c.HTMLExporter.filters = {name: f"course_grader.formgrader.clean.{name}" for name in cleaned}
c.HTMLExporter.sanitize_html = True

# Late work costs nothing until you set c.LatePenalty.percent_per_day; docs/instructors.md has the rules.
c.AssignLatePenalties.plugin_class = "course_grader.records.late.LatePenalty"

# -- for plain nbgrader; the judge needs none of these --

# A warning is no mistake: nbgrader gives 0 for any text on stderr unless these outputs are dropped before it scores.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r"(?s).*"  # all of it; an empty pattern would switch the step off again

# A student who deletes a test gets it back, and the rest is graded; without this, its points silently stay open.
c.OverwriteCells.add_missing_cells = True

# Wall-clock seconds. One cell: several times the 5 s of CPU time that an odd answer may take, for busy machines; the
# next cells are then graded as usual. Kernel start and outputs: a first import of torch can be slow.
c.Execute.timeout = 30
c.Execute.startup_timeout = 120
c.Execute.iopub_timeout = 30

# -- the judge: course_grader runs the students' code and reaches the verdicts --

# As strings: without course_grader, `nbgrader autograde` and formgrader's buttons must fail, never fall back.
c.Autograde.exporter_class = "course_grader.nbgrader_plugin.JudgeExporter"
c.Autograde.sanitize_preprocessors = ["course_grader.nbgrader_plugin.Unjudged"]  # the second lock: nothing is executed
c.Autograde.autograde_preprocessors = ["course_grader.nbgrader_plugin.Unjudged"]
c.GenerateAssignment.exporter_class = "course_grader.nbgrader_plugin.TriedExporter"  # own answers, before anybody's
c.GenerateFeedback.exporter_class = "course_grader.feedback.nbgrader_exporter.FeedbackExporter"  # no hidden test in it

c.CourseGrader.no_student_process = ["*"]  # our tests work from outside; none may run where an answer can reach it
c.CourseGrader.cpu_seconds_of = {"05_mnist_project": 20}  # of CPU time for a cell; elsewhere 5
