"""Tables of the races of whole models."""

from cells import machine_text
from tables_sparse import race

TABLES = {
    "clusters": race(("meanshift-",), ("scikit-learn", "mlpack")),
    "embeddings": race(("lle-",), ("scikit-learn",)),
    "models_machine": machine_text,
}
