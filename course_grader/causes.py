"""Why a test did not pass, in words: what students read, in a message and on the feedback page."""

from __future__ import annotations

CAUSES = ("", "wrong", "error", "time", "memory", "died", "tampered", "unanswered")  # of a test; "" of one that passed

# The message when a submission's time is up, which is "time".
LATE = "Grading this submission took too long as a whole: look for code that waits, here or in an exercise before."
# The message of a test, where it tells no more than its cause.
ENDINGS = {
    "time": "Your code used up its time. Look for a loop that never ends, or one that does far more than it has to.",
    "memory": "Your code asked for more memory than it may have. Look for an array or a list that grows without end.",
    "died": "The process that ran your code ended on its own (an exit, or a crash inside a library).",
    "tampered": "What came back from your code was no answer but an attempt to talk to the grader.",
    "unanswered": "This exercise has not been answered yet.",
    "unsupported": "Your code gave an object where plain data (numbers, text, arrays, lists) is expected.",
}

# What the autograded notebook says where there is no message at all.
IN_SHORT = {
    "wrong": "The test failed.",
    "error": "The test ended with an error.",
    "time": "The test took too long.",
    "memory": "The test needed too much memory.",
    "died": "The answer's process ended during the test.",
    "tampered": "The answer interfered with the test.",
    "unanswered": "There is no answer yet.",
}

# The word beside a part on the feedback page, after its state there.
PART_WORDS = {
    "": ("ok", "passed"),
    "wrong": ("open", "not right yet"),
    "error": ("open", "stopped by an error"),
    "time": ("open", "took too long"),
    "memory": ("open", "needed too much memory"),
    "died": ("open", "Python ended"),
    "tampered": ("open", "not accepted"),
    "unanswered": ("blank", "not answered"),
    "late": ("open", "not reached in time"),  # `LATE`, whose cause is "time"
    "empty": ("blank", "not answered"),
    "unknown": ("blank", "no result"),
}


def says_more(cause: str, message: str) -> bool:
    """Does a message say more than what stands in WHY of its cause? The reason of a failed check does."""
    return cause not in ("unanswered", "late") and message not in ("", ENDINGS.get(cause))


# What happened, and what to do if the visible check shows it too, or if only the hidden tests do.
WHY = {
    "late": (
        "Grading this submission took too long as a whole, so this test was not run, or not to its end.",
        "Look for code that waits (a sleep, a thread, an input), here or in an exercise before, and take it out.",
        "Look for code that waits (a sleep, a thread, an input), here or in an exercise before, and take it out.",
    ),
    "wrong": (
        "Your code ran, but a result was not what the task asks for.",
        "Run the visible check below your answer: it shows what came and what was expected. Mend one difference at a "
        "time, then run it again.",
        "The visible check holds, so the basic case works. The hidden tests use other inputs: other shapes and sizes, "
        "a single sample, zeros, negative or very large numbers. Read the task once more, try such inputs in a cell of "
        "your own, and work out by hand what should come.",
    ),
    "error": (
        "Your code stopped with an error before there was a result to look at.",
        "Choose Restart Kernel and Run All Cells in JupyterLab. The last line of the error says what went wrong, the "
        "arrow shows the line. A name that is not defined often comes from a cell that was deleted or run in another "
        "order.",
        "With the inputs of the visible check it works. Try other inputs in a cell of your own: other shapes, a single "
        "sample, whole numbers, extreme values. The error then shows up there too, with the line it comes from.",
    ),
    "time": (
        "Your code was stopped because it used more processor time than a cell may take. Only the time in which your "
        "code itself computes is counted, so a busy computer costs you nothing.",
        "Look for a loop that never ends. If there is none, replace loops over single numbers by operations on whole "
        "arrays.",
        "Look for a loop whose end depends on the input: can it be reached for every input? If so, replace loops over "
        "single numbers by operations on whole arrays.",
    ),
    "memory": (
        "Your code asked for more memory than there is for an exercise.",
        "Look for a list that grows in a loop, or an array that is larger than you think: (N, 1) and (1, N) give "
        "(N, N). Print the shapes on the way.",
        "Look for an array that grows faster than its input: (N, 1) and (1, N) give (N, N). Print the shapes on the "
        "way for a larger input.",
    ),
    "died": (
        "The Python process ended while your code was running, so nothing could be looked at.",
        "Take out calls that end Python (exit, quit, os._exit, signals). If there are none, look for recursion without "
        "an end, then choose Restart Kernel and Run All Cells.",
        "Take out calls that end Python (exit, quit, os._exit, signals), and look for recursion that does not end for "
        "some inputs.",
    ),
    "tampered": (
        "While your code ran, the grader was sent something that an answer cannot send by computing: for instance "
        "because Python itself or the way results are handed over was changed. That earns no points.",
        "Let the answer compute its result and nothing else. If you did not mean to change anything, look for code "
        "that replaces built-in functions or parts of a library, and talk to your instructor.",
        "Let the answer compute its result and nothing else. If you did not mean to change anything, look for code "
        "that replaces built-in functions or parts of a library, and talk to your instructor.",
    ),
    "unanswered": (
        "The answer cell is as it was handed out, or still raises NotImplementedError.",
        "Delete the line that starts with raise, write your code in its place, and run the visible check below it. "
        "If you did write an answer, check that it stands in the answer cell and that the notebook was saved.",
        "Delete the line that starts with raise, write your code in its place, and run the visible check below it. "
        "If you did write an answer, check that it stands in the answer cell and that the notebook was saved.",
    ),
    "empty": (
        "The answer cell is empty, or as it was handed out.",
        "Write your answer into the cell, and save the notebook before you hand it in.",
        "Write your answer into the cell, and save the notebook before you hand it in.",
    ),
    "unknown": (
        "There is no result for this part, and without one there are no points.",
        "Please tell your instructor; this is not something that you can mend.",
        "Please tell your instructor; this is not something that you can mend.",
    ),
}
