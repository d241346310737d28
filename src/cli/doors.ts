/** Control's doors as a command line names them: several options, or several in one with commas. Pure. */
import { UsageError } from './exit-codes.ts';

const doorsMax = 64;

/** Each once, in the order in which they came, without a path: `https://10.0.0.1:8003`. */
export function parseDoors(given: readonly string[]): readonly string[] {
  const doors = given.flatMap((each) => each.split(',').map((one) => one.trim())).filter((one) => one !== '');
  if (doors.length === 0) {
    throw new UsageError(
      "gateway expects --door URL: control's door, or several",
      'for instance: --door https://10.0.0.1:8003 --door https://10.0.0.2:8003',
    );
  }
  const parsed = new Set(doors.map(parseDoor));
  if (parsed.size > doorsMax) throw new UsageError(`--door: expected at most ${doorsMax} doors, got ${parsed.size}`);
  return [...parsed];
}

function parseDoor(text: string): string {
  const url = URL.parse(text);
  const wrong = new UsageError(`--door: expected an address such as https://10.0.0.1:8003, got ${text}`);
  if (url === null || url.protocol !== 'https:' || url.hostname === '') throw wrong;
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') {
    throw wrong;
  }
  return url.origin;
}
