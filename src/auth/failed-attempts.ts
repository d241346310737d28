/**
 * How often an address may present what is no key. Only failures count: keys cannot be guessed, so this protects the log
 * and the processor, and nobody who hammers from an address can keep out whoever has a key there.
 */
import { isIPv6 } from 'node:net';
import type { Clock } from '../clock.ts';
import { fullBucket, take, type Bucket, type Rate } from '../core/access/token-bucket.ts';

export interface FailedAttempts {
  /** Counts one; milliseconds to wait where it was one too many. */
  count(address: string | undefined): number | undefined;
}

const rate: Rate = { perSecond: 0.2, burst: 10 };
/** Addresses that are remembered; the longest silent is forgotten for one more. */
const addressesMax = 1024;

/** Whoever has one address of IPv6 has its network of 64 bits. */
function networkOf(address: string): string {
  return isIPv6(address) && !address.startsWith('::ffff:') ? address.split(':').slice(0, 4).join(':') : address;
}

export function countFailedAttempts(clock: Clock): FailedAttempts {
  const buckets = new Map<string, Bucket>();
  return {
    count(address = '') {
      const network = networkOf(address);
      const at = clock.now();
      const result = take(buckets.get(network) ?? fullBucket(rate, at), rate, at);
      // Last in the order of the map, which is the order of the last attempts.
      buckets.delete(network);
      buckets.set(network, result.bucket);
      const [oldest] = buckets.keys();
      if (buckets.size > addressesMax && oldest !== undefined) buckets.delete(oldest);
      return result.kind === 'taken' ? undefined : result.retryAfterMs;
    },
  };
}
