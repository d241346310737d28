/** The frame runner as a process, started like a real one. The digest tells it what to do: `fails`, or be ready soon. */
import { runnerLaunch } from '../runner/launch.ts';
import { startFrameRunner } from './frame-runner.ts';

const launch = runnerLaunch.parse(JSON.parse(process.argv[2] ?? '{}'));
process.stderr.write(`serving ${launch.model}\n`);
const runner = await startFrameRunner(launch, {
  readyAfterMs: 20,
  ...(launch.digest === 'fails' ? { failWith: 'Op Foo is not registered' } : {}),
});
process.once('SIGTERM', () => {
  void runner[Symbol.asyncDispose]().then(() => process.exit(0));
});
