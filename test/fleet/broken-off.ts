/** `node broken-off.ts NAME`: opens a testbed and says so; whoever has started it kills it, before or after. */
import { openTestbed } from '../../testbed/testbed.ts';

await openTestbed({ name: process.argv[2] ?? '', nodes: 1 });
process.stdout.write('up\n');
setInterval(() => {}, 60_000);
