"""Prints each installed distribution with what it says of its licence."""

from importlib.metadata import distributions

for each in sorted(distributions(), key=lambda dist: dist.metadata["Name"].lower()):
    about = each.metadata
    classifiers = [line for line in about.get_all("Classifier") or () if line.startswith("License")]
    said = about["License-Expression"] or "; ".join(classifiers) or " ".join((about["License"] or "nothing").split())
    print(f"{about['Name']}\t{said}")
