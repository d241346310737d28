/**
 * The connection that a store or a lease has to its server: made when it is needed, and made anew when it was lost, for
 * `patienceMs` after the loss as often as it takes (a server that restarts), later once a call, so that nobody waits long
 * for one that is gone.
 */
import type { Clock } from '../../clock.ts';
import { openSession, type Session, type SessionOptions } from './postgres-session.ts';

export interface ConnectionOptions extends SessionOptions {
  readonly clock: Clock;
  readonly patienceMs: number;
}

export interface Connection extends AsyncDisposable {
  /** One that was not lost when last looked at. STORE_UNREACHABLE, STORE_UNUSABLE. */
  session(): Promise<Session>;
}

const pauseMs = 100;

/** Connects at once, with one try. */
export async function openConnection(options: ConnectionOptions): Promise<Connection> {
  const { clock, patienceMs } = options;
  let current = await openSession(options);
  let lostAt: number | undefined;

  async function again(): Promise<Session> {
    const since = (lostAt ??= clock.now());
    for (;;) {
      try {
        current = await openSession(options);
        lostAt = undefined;
        return current;
      } catch (error) {
        if (clock.now() - since >= patienceMs) throw error;
      }
      await new Promise<void>((done) => clock.after(pauseMs, done));
    }
  }

  return {
    session: async () => (current.isLost ? again() : current),
    async [Symbol.asyncDispose]() {
      await current[Symbol.asyncDispose]();
    },
  };
}
