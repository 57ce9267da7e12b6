"""A process that serves a knowledge folder: `python -m support.answering FOLDER CACHE`.

For each question on standard input it prints the short answer on one line, or - where it has none; for ? it prints the
first fault for which an edit is not served.
"""

import sys
from pathlib import Path

from knowledge.decisions import Answer
from knowledge.living import LivingBase


def main() -> None:
    """Answers until its input ends."""
    living = LivingBase(Path(sys.argv[1]), cache_folder=Path(sys.argv[2]))
    living.watch()
    for question in sys.stdin:
        sys.stdout.write(f"{_answer(living, question.strip())}\n")
        sys.stdout.flush()
    living.close()


def _answer(living: LivingBase, question: str) -> str:
    if question == "?":
        return str(next(iter(living.faults), "-"))
    base = living.current()
    decision = base.ask(question)
    return base.get_entry(decision.hits[0].entry_id).short if isinstance(decision, Answer) else "-"


if __name__ == "__main__":
    main()
