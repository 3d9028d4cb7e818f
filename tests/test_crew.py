"""A crew answers every task, in order, whatever happens to its processes."""

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from itertools import count, islice

import pytest

from tests.fakes import wait_until
from worker.crew import Crew

Answers = Crew[int, tuple[int, str]]


def work(task: int, bad: int = -1, how: str = "") -> tuple[int, str]:
    if task == bad and how == "hang":
        time.sleep(3600)
    if task == bad and how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    return task, str(os.getpid())


def lost(task: int, reason: str) -> tuple[int, str]:
    return task, reason


def crew(bad: int = -1, how: str = "", seconds: float = 60.0, processes: int = 2) -> Answers:
    return Crew(partial(work, bad=bad, how=how), lost, processes, seconds)


def singly(tasks: Iterator[int] | range) -> Iterator[list[int]]:
    return ([task] for task in tasks)


def test_answers_come_in_the_order_of_the_tasks_from_several_processes() -> None:
    answers = list(crew().map(singly(range(200))))
    assert [task for task, _ in answers] == list(range(200))
    assert os.getpid() not in {int(pid) for _, pid in answers}


def test_no_task_no_answer() -> None:
    assert list(crew().map(iter([]))) == []


@pytest.mark.parametrize("size", [1, 4])
def test_a_task_that_kills_its_process_costs_itself_alone(size: int) -> None:
    tasks = list(range(20))
    batches = [tasks[at : at + size] for at in range(0, 20, size)]
    answers = dict(crew(bad=7, how="die").map(batches))
    assert list(answers) == tasks
    assert answers[7] == "it killed the process that read it (exit code -9), twice"
    assert all(answer.isdigit() for task, answer in answers.items() if task != 7)


def test_a_task_that_hangs_costs_itself_alone() -> None:
    answers = dict(crew(bad=3, how="hang", seconds=2.0).map(singly(range(8))))
    assert list(answers) == list(range(8))
    assert "did not end within 2 s" in answers[3]
    assert all(answer.isdigit() for task, answer in answers.items() if task != 3)


def test_what_the_tasks_raise_is_raised_after_the_answers_before_it() -> None:
    def tasks() -> Iterator[list[int]]:
        yield [1]
        raise ZeroDivisionError

    answers = crew(processes=1).map(tasks())
    assert next(answers)[0] == 1
    with pytest.raises(ZeroDivisionError):
        next(answers)


def test_it_takes_tasks_only_a_bounded_number_ahead() -> None:
    taken = 0

    def endless() -> Iterator[list[int]]:
        nonlocal taken
        for task in count():
            taken += 1
            yield [task]

    answers = crew().map(endless())
    assert [task for task, _ in islice(answers, 10)] == list(range(10))
    assert taken < 100
    answers.close()


def test_its_processes_end_when_nobody_wants_more() -> None:
    answers = crew(processes=1).map(singly(count()))
    pid = int(next(answers)[1])
    answers.close()
    wait_until(lambda: not alive(pid))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
