/**
 * `npm run soak -- [--minutes 60] [--json FILE]`: an hour of everything at once, and whether anything grew. Prints a line a
 * minute and a verdict; exit code 1 when a process's memory or the latency is not flat, or when a request failed that
 * should not have.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { judgeSoak } from './judge.ts';
import { soak } from './mixed-load.ts';

/** Before what is judged: heaps and pools reach their size after so many requests, and a slow machine takes longer to them. */
const warmUpMs = 60_000;

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' }, json: { type: 'string' } } });
const minutes = Number(values.minutes);
if (!(minutes >= 1)) {
  console.error(`--minutes: expected a number of at least 1, got ${values.minutes}`);
  process.exitCode = 2;
} else {
  const durationMs = minutes * 60_000;
  const record = await soak(warmUpMs + durationMs, (line) => console.log(line));
  const samples = record.samples.flatMap((one) => (one.at < warmUpMs ? [] : [{ ...one, at: one.at - warmUpMs }]));
  const verdict = judgeSoak({ ...record, durationMs, samples });
  for (const { what, figure, ok } of verdict) console.log(`${ok ? 'flat  ' : 'NOT FLAT'}  ${what}: ${figure}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ record, verdict }, null, 2)}\n`);
  if (verdict.some(({ ok }) => !ok)) process.exitCode = 1;
}
