"""The addresses of Segmind's hosts, which get the key. Pure.

Source of the second: the vendor's SDK 1.3.0, `segmind/generations.py`.
"""

BASE_URL = "https://api.segmind.com"
LISTING_URL = "https://api.spotprod.segmind.com"
HOSTS = ("api.segmind.com", "api.spotprod.segmind.com")
