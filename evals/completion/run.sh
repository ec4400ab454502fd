#!/bin/sh
# Measures typing against llama.cpp's own server, on this machine, with the same model file and as many threads.
#
#   evals/completion/run.sh idle      typing against the peer, 500, 1,500 and 3,000 tokens of context
#   evals/completion/run.sh load      the same at 1,500 tokens while something computes on every core, beside the idle figures
#   evals/completion/run.sh clients   eight editors at once on one worker
#
# Results go to RESULTS: the report as JSON, the tables as Markdown, the picture as SVG. Further arguments go to
# `wright eval typing`; a flag given there takes the place of the one given here.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
WRIGHT=${WRIGHT:-wright}
MODELS=${WRIGHT_MODELS:-"${XDG_DATA_HOME:-$HOME/.local/share}/wright/models"}
MODEL=${MODEL:-qwen2.5-coder-0.5b}
GGUF=${GGUF:-}
THREADS=${THREADS:-$(nproc)}
RESULTS=${RESULTS:-$here/results}

usage() {
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 2
}

what=${1:-}
case $what in idle | load | clients) shift ;; *) usage ;; esac
mkdir -p "$RESULTS"
work=$(mktemp -d)
peer_pid=
load_pids=

clean_up() {
    for pid in $peer_pid $load_pids; do
        kill "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

start_peer() {
    if [ -z "$GGUF" ]; then
        GGUF=$(find "$MODELS" -maxdepth 1 -name "$MODEL*.gguf" | head -n 1)
    fi
    [ -n "$GGUF" ] || { echo "error: no file of $MODEL in $MODELS; name one with GGUF" >&2; exit 2; }
    mkfifo "$work/peer-stdin"
    python3 "$here/peer.py" --model "$GGUF" --threads "$THREADS" ${PEER_ARGS:-} \
        <"$work/peer-stdin" >"$work/peer-url" 2>"$work/peer-log" &
    peer_pid=$!
    # The peer ends when its stdin is closed, so it never outlives this script.
    exec 9>"$work/peer-stdin"
    while [ ! -s "$work/peer-url" ]; do
        kill -0 "$peer_pid" 2>/dev/null || { cat "$work/peer-log" >&2; exit 2; }
        sleep 0.2
    done
    peer_url=$(head -n 1 "$work/peer-url")
}

# A compiler that optimises, again and again, on each core; arithmetic where there is none.
start_load() {
    n_cores=$(nproc)
    n=0
    while [ "$n" -lt "$n_cores" ]; do
        if command -v rustc >/dev/null; then
            mkdir -p "$work/load-$n"
            generate_program >"$work/load-$n/main.rs"
            (
                child=
                trap 'kill $child 2>/dev/null; exit' TERM
                while :; do
                    rustc -C opt-level=3 -C codegen-units=1 --crate-type lib --out-dir "$work/load-$n" \
                        "$work/load-$n/main.rs" >/dev/null 2>&1 &
                    child=$!
                    wait "$child"
                done
            ) 9>&- &
            load="rustc -C opt-level=3 on each of $n_cores cores"
        else
            (while :; do :; done) 9>&- &
            load="a busy loop on each of $n_cores cores"
        fi
        load_pids="$load_pids $!"
        n=$((n + 1))
    done
}

generate_program() {
    awk 'BEGIN {
        for (i = 0; i < 400; i++) {
            printf "pub fn f%d(mut v: Vec<u64>) -> u64 {\n", i
            printf "    v.sort_by_key(|x| x.wrapping_mul(%d) ^ %d);\n", 2 * i + 1, i
            printf "    let m: std::collections::BTreeMap<u64, String> = v.iter().map(|x| (x %% %d, format!(\"{x}-%d\"))).collect();\n", i + 2, i
            printf "    m.into_iter().filter(|(k, s)| k %% 3 != s.len() as u64 %% 3).map(|(k, s)| k ^ s.bytes().map(u64::from).sum::<u64>()).fold(%d, u64::wrapping_add)\n}\n", i
        }
    }'
}

# Runs a measurement; each default, a flag and its value, counts unless the flag was given.
measure() {
    name=$1
    defaults=$2
    shift 2
    # shellcheck disable=SC2086 # flags and values are words
    set -- $(missing "$defaults" "$@") "$@"
    "$WRIGHT" eval typing --traces "$here/typing" --model "local:$MODEL" --output "$RESULTS/$name.json" \
        --plot "$RESULTS/$name.svg" "$@" >"$work/table.md"
    mv "$work/table.md" "$RESULTS/$name.md"
    echo "wrote $RESULTS/$name.md" >&2
}

missing() {
    defaults=$1
    shift
    for default in $defaults; do
        case " $* " in
        *" ${default%%=*} "* | *" ${default%%=*}="*) ;;
        *) printf '%s ' "$default" ;;
        esac
    done
}

case $what in
idle)
    start_peer
    measure typing-idle "--every=4 --peer-every=60" --peer "$peer_url" "$@"
    ;;
load)
    start_peer
    start_load
    [ -f "$RESULTS/typing-idle.json" ] && set -- --baseline "$RESULTS/typing-idle.json" "$@"
    measure typing-load "--every=4 --peer-every=60 --context=1500 --mode=product" --peer "$peer_url" --load "$load" "$@"
    ;;
clients)
    measure typing-clients "--clients=8 --context=1500" "$@"
    ;;
esac
