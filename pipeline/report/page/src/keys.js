// @ts-check
// One key, one thing: the list that the help shows is the list that works.

export function startKeys() {}
