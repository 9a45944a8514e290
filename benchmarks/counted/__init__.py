"""The parts of the way of a cast, each done alone between two borders: `benchmarks.instructions` counts them."""
