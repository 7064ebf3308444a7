"""A model against its incumbents on real data: folds, contenders, a judge."""

import importlib
import multiprocessing
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

RESET = Path("/proc/self/clear_refs")  # of Linux
OURS = "vicinal"  # names of our contenders start so
SHORT = 0.3  # seconds
SAME = 1e-6  # of a score: what rounding and a peer's own tolerance may do


@dataclass(frozen=True)
class Contender:
    """`answer(fold)` fits, tunes and predicts: all of it is timed."""

    name: str
    answer: Callable
    needs: tuple = ()  # modules imported before the clock starts; a missing one is told
    context: bool = False  # shown for comparison, no rival: another task or a plain baseline


@dataclass(frozen=True)
class Pair:
    """One line of evidence: `judge(fold, answer)` is a number, larger is better if `higher`."""

    name: str
    model: str
    title: str  # the data and the task
    measure: str
    higher: bool
    folds: Callable  # () -> folds, made once
    judge: Callable
    contenders: tuple
    tuned: str  # how every side chooses its settings
    equal: bool = False  # the answers are compared, too: both compute one formula


def run(pair):
    """Return the record of a pair: scores, seconds and peak memory of every contender.

    The first fold runs in a fork, where the peak of memory is its own; the rest take turns here.
    """
    folds = pair.folds()
    rows = [_row(contender) for contender in pair.contenders]
    for fold in folds:
        answers = {}
        for contender, row in zip(pair.contenders, rows, strict=True):
            if row["status"] != "ok":
                continue
            if fold is folds[0] and RESET.exists():
                answer, seconds, row["peak_mb"] = _in_fork(contender, fold)
            else:
                answer, seconds = _timed(contender, fold)
            row["seconds"].append(seconds)
            row["scores"].append(float(pair.judge(fold, answer)))
            answers[contender.name] = np.asarray(answer)
        if pair.equal:
            _differences(rows, answers)
    told = ("name", "model", "title", "measure", "higher", "tuned")
    return {field: getattr(pair, field) for field in told} | {"rows": rows}


def _row(contender):
    row = {"name": contender.name, "context": contender.context}
    try:
        for module in contender.needs:
            importlib.import_module(module)
    except ImportError as reason:
        return row | {"status": "missing", "note": str(reason)}
    return row | {"status": "ok", "seconds": [], "scores": []}


def _timed(contender, fold):
    """Return the answer and its least seconds; what is short is done again."""
    least = elapsed = 0.0
    while not elapsed or elapsed < SHORT:
        start = perf_counter()
        answer = contender.answer(fold)
        seconds = perf_counter() - start
        least, elapsed = min(least or seconds, seconds), elapsed + seconds
    return answer, least


def _differences(rows, answers):
    """Note how far a peer's answers are from ours, relative to our largest."""
    ours = next(answers[row["name"]] for row in rows if row["name"] in answers)
    for row in rows[1:]:
        if row["status"] == "ok" and not row["context"]:
            gap = np.max(np.abs(answers[row["name"]] - ours)) / np.max(np.abs(ours))
            row["difference"] = max(row.get("difference", 0.0), float(gap))


def _in_fork(contender, fold):
    """Return answer, seconds and the peak in MB over what was there before."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(contender, fold, sender))
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        raise RuntimeError(f"{contender.name} ended without an answer, see above") from None
    finally:
        process.join()


def _send(contender, fold, sender):
    RESET.write_text("5")  # the peak starts anew
    before = _status("VmRSS")
    answer, seconds = _timed(contender, fold)
    sender.send((answer, seconds, (_status("VmHWM") - before) / 1024))


def _status(field):
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field))


def verdict(record):
    """Compare our first contender with the best rival: folds are paired.

    "better" and "worse" ask for a mean difference beyond twice its standard error; of rivals with
    the same answers the fastest counts.
    """
    ours, *others = [row for row in record["rows"] if row["status"] == "ok"]
    rivals = [row for row in others if not (row["context"] or row["name"].startswith(OURS))]
    if not rivals:
        return None
    sign = 1 if record["higher"] else -1
    means = [sign * statistics.fmean(row["scores"]) for row in rivals]
    least = max(means) - SAME * abs(max(means))
    best = min((r for r, mean in zip(rivals, means, strict=True) if mean >= least), key=seconds)
    gains = [sign * (a - b) for a, b in zip(ours["scores"], best["scores"], strict=True)]
    gain, same = statistics.fmean(gains), SAME * max(map(abs, ours["scores"]))
    error = statistics.stdev(gains) / len(gains) ** 0.5
    word = "equal" if abs(gain) <= max(2 * error, same) else "better" if gain > 0 else "worse"
    return {
        "rival": best["name"],
        "word": word,
        "won": sum(g > same for g in gains),
        "lost": sum(g < -same for g in gains),
        "faster": seconds(best) / seconds(ours),
    }


def seconds(row):
    return min(row["seconds"])  # folds do the same work; what disturbs only adds
