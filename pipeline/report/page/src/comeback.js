// @ts-check
// Where the keyboard was before a dialog took it.

/** Remember it; the answer brings it back, also where what had it was drawn again meanwhile. */
export function comeback() {
  const before = /** @type {HTMLElement | null} */ (document.activeElement);
  const home = before?.closest("[id]");
  const place = home && before ? [...home.querySelectorAll(before.localName)].indexOf(before) : -1;
  return () => {
    const again = document.getElementById(home?.id ?? "")?.querySelectorAll(before?.localName ?? "*")[place];
    const target = before?.isConnected ? before : /** @type {HTMLElement | undefined} */ (again);
    (target ?? document.getElementById("work"))?.focus({ preventScroll: true });
  };
}
