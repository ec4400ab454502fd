#!/usr/bin/env bash
# Makes sure that the build has what it needs, and with `--tests` also what the tests run inside the sandbox. As root on a
# system with apt, missing packages are installed; otherwise they are named with the command that installs them. The exit
# code is 1 when the build cannot work, and with CI=true when a test would have to be left out. Says nothing when all is there.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly RUST_NEEDED=1.95

say() { printf '%s\n' "$*" >&2; }

has_command() { command -v "$1" >/dev/null 2>&1; }

has_libclang() {
  [ -n "${LIBCLANG_PATH:-}" ] && return 0
  case "$(uname -s)" in
    # The command line tools of macOS bring it.
    Darwin) has_command clang && return 0 ;;
  esac
  compgen -G '/usr/lib*/llvm*/lib*/libclang*.so*' >/dev/null ||
    compgen -G '/usr/lib*/libclang*.so*' >/dev/null ||
    compgen -G '/usr/lib/*-linux-gnu*/libclang*.so*' >/dev/null ||
    compgen -G '/usr/local/lib/libclang*' >/dev/null
}

has_pip() { python3 -m pip --version >/dev/null 2>&1; }

# Prints the Debian packages that are missing, one a line.
missing_packages() {
  has_command cmake || echo cmake
  has_command clang || echo clang
  has_libclang || echo libclang-dev
  has_command g++ || echo g++
  has_command make || echo make
  has_command git || echo git
  has_command strace || echo strace
  has_command python3 || echo python3
  has_pip || echo python3-pip
}

# Looks for it without loading it, which takes longer than all the rest here.
has_pytest() {
  python3 -c 'import importlib.util, sys; sys.exit(importlib.util.find_spec("pytest") is None)' >/dev/null 2>&1
}

# Whether `python3` is the system's own, for which Debian has packages. Another one, such as pyenv's, has its own pip.
has_system_python() { [ "$(readlink -f "$(command -v python3 || true)" 2>/dev/null | cut -d/ -f1-3)" = /usr/bin ]; }

has_postgres() { compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }

# Prints the Debian packages that only tests need, one a line.
missing_test_packages() {
  has_command bwrap || echo bubblewrap
  has_command go || echo golang-go
  has_command javac || echo default-jdk-headless
  has_command node || echo nodejs
  has_command npm || echo npm
  has_command ps || echo procps
  has_command rg || echo ripgrep
  has_postgres || echo postgresql
}

check_test_packages() {
  local missing needs_pip=false
  mapfile -t missing < <(missing_test_packages)
  if ! has_pytest; then
    if has_system_python; then missing+=(python3-pytest); else needs_pip=true; fi
  fi
  if [ "${#missing[@]}" -gt 0 ] && has_command apt-get && [ "$(id -u)" -eq 0 ]; then
    install_packages "${missing[@]}"
    missing=()
  fi
  if $needs_pip && { [ "$(id -u)" -eq 0 ] || [ "${CI:-}" = true ]; }; then
    say "installing pytest"
    PIP_ROOT_USER_ACTION=ignore python3 -m pip install --quiet --disable-pip-version-check pytest >&2 || missing+=(pytest)
  elif $needs_pip; then
    missing+=(pytest)
  fi
  [ "${#missing[@]}" -eq 0 ] && return
  if [ "${CI:-}" = true ]; then
    say "error: tests would be left out, because packages are missing: ${missing[*]}"
    exit 1
  fi
  say "note: tests will be left out, because packages are missing: ${missing[*]} (the names are Debian's)"
}

install_packages() {
  local log
  log=$(mktemp)
  say "installing $*"
  if ! {
    apt-get update -qq &&
      DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"
  } >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    say "error: apt-get could not install $* (the whole log is in $log)"
    exit 1
  fi
  rm -f "$log"
}

check_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -eq 0 ] && return
  if has_command apt-get && [ "$(id -u)" -eq 0 ]; then
    install_packages "${missing[@]}"
    return
  fi
  say "error: the build needs packages that are missing: ${missing[*]}"
  if has_command apt-get; then
    say "hint: Run \`sudo apt-get install ${missing[*]}\`."
  else
    say "hint: Install them with your system's package manager; the names are Debian's."
  fi
  exit 1
}

check_rust() {
  if ! has_command cargo || ! has_command rustc; then
    say "error: Rust is missing"
    say "hint: Install rustup from https://rustup.rs; it brings the version that rust-toolchain.toml names."
    exit 1
  fi
  local found
  found=$(rustc --version | awk '{ print $2 }')
  if [ "$(printf '%s\n%s\n' "$RUST_NEEDED" "$found" | sort -V | head -n 1)" != "$RUST_NEEDED" ]; then
    say "error: rustc $found is older than $RUST_NEEDED"
    say "hint: Run \`rustup update\`, or install rustup from https://rustup.rs."
    exit 1
  fi
}

check_packages
check_rust
case "${1:-}" in
  --tests) check_test_packages ;;
  '') ;;
  *)
    say "error: unknown argument $1; the only one is --tests"
    exit 2
    ;;
esac
