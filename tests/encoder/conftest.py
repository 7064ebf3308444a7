import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path += [str(TESTS.parent / "examples"), str(TESTS / "python" / "models")]
