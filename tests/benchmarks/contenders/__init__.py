"""The same job as others would write it. Each reads BENCH_URL, BENCH_DSN, BENCH_OUT and BENCH_THREADS."""
