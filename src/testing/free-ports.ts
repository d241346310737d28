/** Ports for tests that must name them before anybody listens; whoever can, takes port 0. */
import { once } from 'node:events';
import net from 'node:net';

/** Below those that systems give by themselves. */
const [lowest, highest] = [18_000, 30_000];

/** The first of so many neighbouring ports of 127.0.0.1 on which nobody listens now. */
export async function freePorts(count: number): Promise<number> {
  // Test files that run at once look in different places.
  const offset = (process.pid * 61) % (highest - lowest);
  for (let tried = 0; tried < highest - lowest; tried += count) {
    const first = lowest + ((offset + tried) % (highest - lowest));
    const servers = Array.from({ length: count }, (_, index) => net.createServer().listen(first + index, '127.0.0.1'));
    const outcomes = await Promise.allSettled(servers.map((server) => once(server, 'listening')));
    for (const server of servers) server.close();
    if (outcomes.every(({ status }) => status === 'fulfilled')) return first;
  }
  throw new Error(`there are no ${count} free ports`);
}
