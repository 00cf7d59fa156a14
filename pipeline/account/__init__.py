"""The account ledger: what the runs on one key at one provider know of each other."""
