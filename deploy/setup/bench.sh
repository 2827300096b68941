#!/bin/sh
# Run every benchmark and write their closing lines, with the commit and the machine's size, to bench/RESULTS.md.
set -eu
results=bench/RESULTS.md
missed=0
{
    echo "# Benchmark results"
    echo
    echo "Commit $(git rev-parse --short HEAD 2>/dev/null || echo unknown), $(date -u +%Y-%m-%d), $(nproc) processors," \
        "$(awk '/MemTotal/ { printf "%.0f", $2 / 1048576 }' /proc/meminfo) GiB of memory."
    echo
} >"$results.new"
for file in bench/[a-z]*.py; do
    name=$(basename "$file" .py)
    grep -q '__main__' "$file" || continue
    echo "bench: $name"
    if .venv/bin/python -m "bench.$name" >"$results.log"; then met=met; else met=MISSED missed=1; fi
    echo "- $(tail -n 1 "$results.log") $met" | tee -a "$results.new"
done
rm -f "$results.log"
mv "$results.new" "$results"
exit "$missed"
