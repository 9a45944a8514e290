"""What the figures should be: at most, where less is better, and at least, where more is (`Figure.better`)."""

from __future__ import annotations

from typing import Final

TARGETS: Final[dict[str, float]] = {
    "accept_cpu_ratio": 1.6,
    "accept_single_ratio": 4,
    "link_ms": 2,
    "fanout64_cpu_vs_jetstream": 0.3,
    "accept_vs_jetstream_sync": 2.5,
    "fanout64_vs_best_peer": 2,
    "match_1m_vs_1k": 2,
    "match_1m_us": 10,
    "filters_100k_ms": 2,
    "latency_p50_ms": 3,
    "latency_p99_ms": 10,
    "idle_link_kb": 48,
    "idle_subscription_b": 1000,
    "recovery_1m_s": 3,
    "growth_5m": 1.3,
}

BESIDE: Final[dict[str, str]] = {
    "fanout64_vs_best_peer": "fanout64_vs_best_peer_unchecked",
    "idle_subscription_b": "idle_live_subscription_b",
}
"""What has no target, and without which a figure that has one would say too little."""
