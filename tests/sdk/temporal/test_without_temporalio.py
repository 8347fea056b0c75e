"""What is said where the extra is not installed."""

import importlib
import sys

import pytest


def test_the_import_says_what_to_install(monkeypatch):
    """As for every extra."""
    for name in [each for each in sys.modules if each.startswith("tensorone.temporal")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "temporalio.plugin", None)
    with pytest.raises(ImportError, match=r'pip install "tensorone\[temporal\]"'):
        importlib.import_module("tensorone.temporal")
