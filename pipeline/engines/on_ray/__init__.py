"""The engine of a Ray cluster: workers on other machines make the attempts."""
