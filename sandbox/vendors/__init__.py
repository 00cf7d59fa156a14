"""The vendors whose wires are simulated, by name."""

from collections.abc import Callable

from sandbox.errors import SandboxError
from sandbox.vendor import Vendor
from sandbox.vendors.comfyui import ComfyUI
from sandbox.vendors.described import SHIPPED, described
from sandbox.vendors.elevenlabs import ElevenLabs
from sandbox.vendors.fal import Fal
from sandbox.vendors.openai_images import OpenAIImages
from sandbox.vendors.replicate import Replicate
from sandbox.vendors.segmind import Segmind

VENDORS: dict[str, Callable[[], Vendor]] = {
    vendor.name: vendor for vendor in (ComfyUI, ElevenLabs, Fal, OpenAIImages, Replicate, Segmind)
}


def vendor_of(wire: str) -> Vendor:
    """Return the vendor of a name, or one that is generated from a description.

    Raises:
        SandboxError: nobody has that name, or its description does not do.
    """
    if wire in VENDORS:
        return VENDORS[wire]()
    if (vendor := described(wire)) is not None:
        return vendor
    names = sorted({*VENDORS, *(path.stem for path in SHIPPED.glob("*.yaml"))})
    raise SandboxError(
        f"'{wire}' is not a valid wire",
        hint=f"use one of {', '.join(names)}, or the file of a description",
    )
