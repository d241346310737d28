/** What control and a gateway agree on about the door between them. */

/** In the run directory. */
export const doorFile = (worker: number): string => `door-${worker}.sock`;

/** Whose request it is, percent-encoded; absent where callers need no key. */
export const callerHeader = 'flyball-caller';
