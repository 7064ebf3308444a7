"""Locally linear embedding of swiss rolls, and its weights in 64 dimensions."""

from peers import SKLEARN_EMBEDDING, VICINAL_EMBEDDING
from problem_embedding import NEIGHBORS, latent_cloud, swiss_roll
from race import Case, Claim, Entrant


def _title(title, problem):
    return f"{title}, k = {NEIGHBORS}, n = {problem.rows:,}, d = {problem.d}"


def _case(name, title, problem, at_least, **options):
    return Case(
        f"lle-{name}",
        _title(title, problem),
        [Entrant(c, problem) for c in (VICINAL_EMBEDDING, SKLEARN_EMBEDDING)],
        [Claim("vicinal", ("scikit-learn",), at_least)],
        **options,
    )


def _alone(name, title, problem):
    """A case that is only to be done: with its quality, time and no rival."""
    return Case(f"lle-{name}", _title(title, problem), [Entrant(VICINAL_EMBEDDING, problem)])


def cases():
    weights = {"weights_alone": True}
    title = "neighbors and weights of locally linear embedding"
    yield _case("weights-d3", title, swiss_roll(50_000, **weights), 10)
    yield _case("weights-d64", title, latent_cloud(50_000, 64, **weights), 4)
    for method, components in (("modified", 2), ("ltsa", 2), ("hessian", 2)):
        problem = swiss_roll(10_000, method=method, components=components)
        yield _case(method, f"{method} embedding", problem, 12, rounds=3)
    yield _case("standard", "standard embedding", swiss_roll(50_000), 3, rounds=3)
    yield _alone("standard-large", "standard embedding", swiss_roll(100_000, compared=False))
