"""What the SDK costs, as ratios against peers in one run: ``make bench`` and ``make bench-check``."""
