/** Where to go after a sign-in: only ever to a page of this origin, whatever the link said. Pure. */
export function ownPath(wanted: string | undefined): string {
  if (wanted === undefined || !/^\/(?![/\\])/.test(wanted)) return '/';
  return wanted.startsWith('/sign-in') ? '/' : wanted;
}
