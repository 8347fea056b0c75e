"""Completion in the shells themselves: commands, options, and the ids of the last listing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from schema_checks import KEY

from tensorone._cli.completion import _function

BASH = """
complete_this() {
  COMP_WORDS=("$@"); COMP_CWORD=$(($#-1)); COMPREPLY=(); _tensorone; echo "${COMPREPLY[*]}"
}
complete_this tensorone ter; complete_this tensorone terminate ri; complete_this tensorone gpus --so
"""
FISH = """
for line in "tensorone ter" "tensorone terminate ri" "tensorone gpus --so"
  complete -C $line | string split -f 1 \\t
end
"""
ZSH = """
zmodload zsh/zpty
zpty z zsh -f -i
zpty -w z 'PS1="READY>"; LINE'
completed() {
  zpty -w -n z "tensorone $1"$'\\t'; zpty -r z shown "*$2*"; print -r -- "$shown"; zpty -w -n z $'\\C-u'
}
completed ter terminate; completed 'terminate ri' riixlu8oclhp; completed 'gpus --so' --sort
zpty -d z
"""
OPTIONS = {"bash": ("--norc",), "fish": ("--no-config",), "zsh": ("-f",)}
INSTALLED = [shell for shell in OPTIONS if shutil.which(shell)]


@pytest.mark.parametrize("shell", INSTALLED)
def test_a_shell_completes(cli, shell, tmp_path):
    """With the line that was shown: a command, the id that the last listing had, and an option; no key is needed."""
    assert cli("ls").status == 0
    line = cli("--install-completion", shell).out.strip()
    code = {"bash": line + BASH, "fish": line + FISH, "zsh": ZSH.replace("LINE", line.replace("'", "'\\''"))}[shell]
    environ = {name: value for name, value in os.environ.items() if name != "TENSORONE_API_KEY"}
    environ |= {"PATH": f"{Path(sys.executable).parent}:{environ['PATH']}", "TERM": "dumb"}
    command = [shutil.which(shell) or shell, *OPTIONS[shell], "-c", code]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False, timeout=50)
    for word in ("terminate", "riixlu8oclhp", "--sort"):
        assert word in done.stdout, done.stdout + done.stderr
    written = "".join(each.read_text() for each in tmp_path.rglob("*") if each.is_file())
    assert "riixlu8oclhp" in written
    assert KEY not in written


def test_the_function_of_a_script():
    """Is the first one that it defines; one that defines none is of an unknown form."""
    assert _function("#compdef x\n\n_of_x() {\n}\n_other() {}") == "_of_x"
    assert _function("") == "_tensorone"
