"""A simulated Segmind API on loopback, with credits, latency and faults to order.

It needs the extra `sandbox`, but importing this package or its `settings` does not.
"""
