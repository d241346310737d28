/**
 * A process of one tick: listens on the bound sockets that it inherits and ends before its loop could accept a caller.
 * What it did stays with the sockets, which the supervisor holds. `argv[2]`: how many there are, from descriptor 3 on.
 * Prints, as JSON, the outcome of each that it tried: null, or the system's code. It stops at the first that fails, so
 * that of platforms which want the same ports the one that got the first gets the others too.
 */
import { writeSync } from 'node:fs';
import net from 'node:net';

const firstDescriptor = 3;
const outcomes: (string | null)[] = [];

for (let index = 0; index < Number(process.argv[2]); index += 1) {
  const server = net.createServer();
  // Told in the next tick; whether it listens is known at once.
  server.on('error', ({ code = 'UNKNOWN' }: NodeJS.ErrnoException) => (outcomes[index] = code));
  server.listen({ fd: firstDescriptor + index });
  outcomes.push(null);
  if (!server.listening) break;
}
process.nextTick(() => {
  writeSync(1, JSON.stringify(outcomes));
  process.exit();
});
