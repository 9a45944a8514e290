"""What a user would otherwise pick, on the same work in the same run: NATS JetStream, Mosquitto, RabbitMQ, Nostr."""

from benchmarks.peers.suite import FULL, PeerSizes, measure, missing, versions

__all__ = ["FULL", "PeerSizes", "measure", "missing", "versions"]
