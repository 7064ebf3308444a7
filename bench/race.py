"""Time the entrants of a case interleaved, A B C A B C …, after checking every answer.

Pure bookkeeping: what is timed is a contender's function, and nothing here knows what it does.
"""

import statistics
import time
from dataclasses import dataclass, field

from peers import FLOPS, PRODUCTS, Missing, Unsuited

SHORTEST = 0.02  # seconds; shorter calls are repeated inside one measurement
PEER_SHARE = 0.6  # of the stored figure: a peer slower than this is misconfigured


@dataclass(frozen=True)
class Entrant:
    contender: object
    problem: object  # a Problem, Density, Search or Lists
    label: str = ""

    @property
    def name(self):
        return self.label or self.contender.name

    @property
    def is_product(self):
        return self.contender in PRODUCTS


@dataclass(frozen=True)
class Claim:
    """`ours` does at least `at_least` times the work per second of the best of `against`."""

    ours: str
    against: tuple[str, ...]  # names, or families of contenders
    at_least: float
    unit: str = "pairs"  # or flops, or rows: queries


@dataclass(frozen=True)
class Limit:
    """`ours` takes at most so many seconds."""

    ours: str
    seconds: float


@dataclass(frozen=True)
class Case:
    name: str
    title: str
    entrants: list[Entrant]
    claims: list[Claim] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)  # family → 10⁹ pairs/s, performance.md
    rounds: int | None = None
    limits: list[Limit] = field(default_factory=list)


@dataclass
class Row:
    name: str
    family: str
    status: str = "ok"  # ok, wrong, approximate, void, missing, unsuited
    note: str = ""
    rows: int = 0
    pairs: int = 0
    flops: int = 0
    share: float = 1.0  # of the queries, where all would take too long
    prepare_seconds: float = 0.0  # what is done once: an index, a compilation
    error: float | None = None
    visited: int | None = None
    known: float | None = None  # pairs/s that a void peer should have reached
    repeats: int = 1
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def rate(self, unit):
        """Work per second, one number per round."""
        return [getattr(self, unit) / s for s in self.seconds]

    def as_dict(self):
        kept = {k: v for k, v in vars(self).items() if v not in (None, "")}
        if self.seconds:
            kept["median_seconds"] = statistics.median(self.seconds)
            kept["best_seconds"] = min(self.seconds)
            kept["cores"] = sum(self.cpu) / sum(self.seconds)
        return kept


def _measure(call, repeats):
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall / repeats, cpu / repeats


def _affordable(entrant, threads, row):
    """Return the problem, or its first queries if all would take too long."""
    contender, problem = entrant.contender, entrant.problem
    taste = problem.first(1 / 64)
    started = time.perf_counter()
    call = contender.prepare(taste, threads)
    row.prepare_seconds = time.perf_counter() - started
    call()  # compilers, thread pools
    needed = _measure(call, 1)[0] * problem.pairs / taste.pairs
    if entrant.is_product or needed <= contender.patience:
        return problem
    part = problem.first(contender.patience / needed)
    row.share = part.pairs / problem.pairs
    row.note = f"{100 * row.share:.2g}% of the queries"
    return part


def _prepare(entrant, threads, answers):
    """Return the row and the function to time (None: nothing to time)."""
    row = Row(entrant.name, entrant.contender.family)
    try:
        problem = _affordable(entrant, threads, row)
        call = entrant.contender.prepare(problem, threads)
        started = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - started
    except Missing as reason:
        row.status, row.note = "missing", str(reason)
        return row, None
    except Unsuited as reason:
        row.status, row.note = "unsuited", str(reason)
        return row, None
    row.rows, row.pairs = problem.rows, problem.pairs
    row.flops = FLOPS if entrant.is_product else problem.flops
    if not entrant.is_product:
        verdict = problem.judge(result, answers(entrant.problem))
        row.error, row.status, row.visited = verdict.error, verdict.status, verdict.visited
        row.note = ", ".join(filter(None, (row.note, verdict.note)))
    if seconds < 20 * SHORTEST:  # what the first call alone pays would hide a shorter one
        seconds = _measure(call, 1)[0]
    row.repeats = max(1, round(SHORTEST / seconds))
    return row, call


def run(case, threads, rounds, ceiling=None, log=print):
    """Race one case; return its record."""
    known = {}  # float64 answers

    def answers(problem):
        if problem.answer_key not in known:
            known[problem.answer_key] = problem.expected()
        return known[problem.answer_key]

    log(f"{case.name}: {case.title}")
    prepared = [_prepare(entrant, threads, answers) for entrant in case.entrants]
    rows = [row for row, _ in prepared]
    scale = 0.0  # the best fma rate between the rounds: peers are judged by their best, too
    for _ in range(case.rounds or rounds):
        scale = max(scale, ceiling() if ceiling else 1.0)
        for row, call in prepared:
            if call is None or (row.status == "wrong" and row.seconds):
                continue
            if row.repeats > 1:
                call()  # while the thread pool of the entrant before falls asleep
            wall, cpu = _measure(call, row.repeats)
            row.seconds.append(wall)
            row.cpu.append(cpu)
    _void(case, rows, scale)
    return {
        "name": case.name,
        "title": case.title,
        "fma_share": scale,
        "rows": [row.as_dict() for row in rows if row.status != "unsuited"],
        "claims": [_judge(claim, rows) for claim in case.claims],
        "limits": [_hold(limit, rows) for limit in case.limits],
    }


def _void(case, rows, scale):
    for family, figure in case.figures.items():
        forms = [row for row in rows if row.family == family and row.status == "ok"]
        best = max((max(row.rate("pairs")) for row in forms), default=0.0)
        if forms and best < PEER_SHARE * figure * 1e9 * scale:
            for row in forms:
                row.status = "void"
                row.known = figure * 1e9 * scale
                row.note = f"best {best / 1e9:.2f}·10⁹ pairs/s, known {figure} on this machine"


def _judge(claim, rows):
    """Compare round by round with the best rival; the median of the ratios decides.

    A void rival that should have been faster than the best makes the claim void, too.
    """
    ours = next(row for row in rows if row.name == claim.ours)
    others = [row for row in rows if row is not ours]
    asked = [row for row in others if {row.name, row.family} & set(claim.against)]
    rivals = [row for row in asked if row.status in ("ok", "void")]
    record = {**vars(claim), "ratio": None, "void": [r.name for r in asked if r.status == "void"]}
    if ours.status != "ok" or not rivals:
        return record
    best = max(rivals, key=lambda row: statistics.median(row.rate(claim.unit)))
    fastest = max(best.rate("pairs"))
    void = best.status == "void" or any((row.known or 0) > fastest for row in rivals)
    pairs = zip(ours.rate(claim.unit), best.rate(claim.unit), strict=True)
    ratios = sorted(a / b for a, b in pairs)
    quarter = len(ratios) // 4
    return {
        **record,
        "best": best.name,
        "ratio": statistics.median(ratios),
        "spread": [ratios[quarter], ratios[-1 - quarter]],
        "kept": None if void else statistics.median(ratios) >= claim.at_least,
    }


def _hold(limit, rows):
    ours = next(row for row in rows if row.name == limit.ours)
    record = {"ours": limit.ours, "at_most": limit.seconds, "seconds": None, "kept": None}
    if ours.status != "ok":
        return record
    seconds = statistics.median(ours.seconds) / ours.share
    return {**record, "seconds": seconds, "kept": seconds <= limit.seconds}
