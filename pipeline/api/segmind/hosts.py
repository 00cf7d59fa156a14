"""The addresses of Segmind's hosts, which get the key. Pure.

Source of the second and the third, which only gets what is to be uploaded: the vendor's SDK 1.3.0.
"""

BASE_URL = "https://api.segmind.com"
LISTING_URL = "https://api.spotprod.segmind.com"
UPLOADS_URL = "https://workflows-api.segmind.com"
HOSTS = ("api.segmind.com", "api.spotprod.segmind.com", "workflows-api.segmind.com")
