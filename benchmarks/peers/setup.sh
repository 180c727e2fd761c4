#!/usr/bin/env bash
# The peers' two virtual environments (arq needs redis-py < 6), made once and again when a requirements file changes.
# They go to $PB_VENVS (default: the user's cache folder); PB_PIP_ARGS is handed to pip.
set -eu
cd "$(dirname "$0")"
VENVS="${PB_VENVS:-${XDG_CACHE_HOME:-$HOME/.cache}/roundsman-peers}"
PYTHON="${PB_PYTHON:-python3}"
MISSING=""
command -v redis-server >/dev/null || MISSING="$MISSING redis-server"
command -v postgres >/dev/null || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || MISSING="$MISSING postgresql"
command -v psql >/dev/null || MISSING="$MISSING postgresql-client"
"$PYTHON" -c 'import ensurepip' 2>/dev/null || MISSING="$MISSING python3-venv"
if [ -n "$MISSING" ]; then
  echo "The benchmark needs programs that are not here. On Debian or Ubuntu:  apt-get install$MISSING" >&2
  exit 2
fi
mkdir -p "$VENVS"
for e in ${*:-main arq}; do
  if cmp -s "requirements-$e.txt" "$VENVS/v-$e/.installed"; then continue; fi
  echo "Installing the peers of requirements-$e.txt into $VENVS/v-$e …" >&2
  "$PYTHON" -m venv "$VENVS/v-$e"
  "$VENVS/v-$e/bin/pip" install -q --disable-pip-version-check --no-input ${PB_PIP_ARGS:-} -r "requirements-$e.txt"
  cp "requirements-$e.txt" "$VENVS/v-$e/.installed"
done
