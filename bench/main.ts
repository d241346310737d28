/** `npm run bench -- NAME [--json FILE] [--rounds N] [--seconds S] [--trace FILE] [--traces FOLDER] [--minutes M] [--quick] [--requests N] [--lag SECONDS] [--models A,B]`: one module a benchmark. Exit code 1 when a bar is missed. */
import { parseArgs } from 'node:util';
import { print, type BenchmarkOptions, type Report } from './report.ts';

const benchmarks: Readonly<Record<string, () => Promise<{ run(options: BenchmarkOptions): Promise<Report> }>>> = {
  serving: () => import('./serving.ts'),
  overload: () => import('./overload.ts'),
  'cold-start': () => import('./cold-start.ts'),
  formats: () => import('./formats.ts'),
  peers: () => import('./peers.ts'),
  rehearsal: () => import('./rehearsal.ts'),
  governor: () => import('./governor.ts'),
  learning: () => import('./learning.ts'),
  flash: () => import('./flash.ts'),
  fidelity: () => import('./fidelity.ts'),
  console: () => import('./console.ts'),
  thesis: () => import('./thesis.ts'),
  swarm: () => import('./swarm.ts'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    trace: { type: 'string' },
    traces: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    quick: { type: 'boolean', default: false },
    requests: { type: 'string' },
    lag: { type: 'string', default: '0' },
    models: { type: 'string' },
  },
});
const [name] = positionals;
const load = name === undefined ? undefined : benchmarks[name];
if (load === undefined) {
  console.error(
    `usage: npm run bench -- NAME [--json FILE] [--rounds 5] [--seconds 2] [--trace FILE] [--traces FOLDER] [--minutes M] [--quick] [--requests N] [--lag SECONDS] [--models A,B]\nbenchmarks: ${Object.keys(benchmarks).join(', ')}`,
  );
  process.exitCode = 2;
} else {
  const benchmark = await load();
  const report = await benchmark.run({
    rounds: Number(values.rounds),
    seconds: Number(values.seconds),
    trace: values.trace,
    traces: values.traces,
    minutes: Number(values.minutes),
    quick: values.quick,
    requests: values.requests === undefined ? undefined : Number(values.requests),
    lagSeconds: Number(values.lag),
    models: values.models,
  });
  print(report, values.json);
  if (report.rows.some((row) => !row.ok)) process.exitCode = 1;
}
