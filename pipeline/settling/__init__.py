"""How a doubt ends: what the provider lists, or what a person says."""
