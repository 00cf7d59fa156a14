"""What may be spent: prices, the gate, the wait for a top-up."""
