/**
 * `flyball up`: starts the supervisor in this process, then does exactly what `flyball deploy SPEC` does, through the
 * control API. Ctrl-C drains, Ctrl-C again stops at once; either way nothing is left behind.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../clock.ts';
import { parseSpecification, type LoadedSpecification } from '../../config/load.ts';
import { specification as specificationSchema, type Specification } from '../../config/specification.ts';
import { openStore } from '../../drivers/stores/open.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
import { databaseFile, rememberedStore } from '../../store/data-directory.ts';
import { startSupervisor, type Supervisor } from '../../supervisor/supervisor.ts';
import { applySpecification } from '../apply.ts';
import { caller, localKey } from '../connect.ts';
import { controlClient, type ControlClient } from '../control-client.ts';
import { dataDirectoryPath } from '../data-directory-path.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { parentTerminal, startDetached } from '../detach.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { rememberedFleet } from '../fleet/remembered.ts';
import { defaultSpecification, generatedFolder, loadFrom, prepare, type Prepared } from '../prepare.ts';
import { progressOn, type Progress } from '../progress.ts';
import { reportError } from '../report-error.ts';
import { exitCodeOfEnd, onHangup, tellMoved, withFolder } from '../supervised.ts';
import { statusStyle, type Terminal } from '../terminal.ts';
import { upText } from '../up-text.ts';

/** A first start of many models on a slow disk; Ctrl-C is always there. */
const startMsMax = 30 * 60_000;
/** Counting what is in flight must not delay the drain. */
const countMsMax = 300;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { values } = invocation;
  if (values['orchestrator'] === undefined && values['write'] !== undefined)
    throw new UsageError('--write is for a platform on a Swarm', 'flyball up SPEC --orchestrator swarm --write DIR');
  if (values['orchestrator'] !== undefined) {
    const { upOnSwarm } = await import('../fleet/up.ts');
    return await upOnSwarm(invocation, (...call) => bring(invocation, ...call));
  }
  if (flag(values, 'detach')) return await startDetached(invocation);
  if (!flag(values, 'detached')) return await serve(invocation, () => {});
  const parent = parentTerminal(invocation.terminal);
  const { terminal } = parent;
  try {
    return await serve({ ...invocation, terminal }, (code) => parent.release(code));
  } catch (error) {
    // Here and not in `main`, whose words would go to the log.
    return reportError(error, 'up', terminal, flag(values, 'verbose'));
  }
}

async function serve(invocation: Invocation, onServing: (code: ExitCode) => void): Promise<ExitCode> {
  const { terminal, values } = invocation;
  const progress = progressOn(terminal);
  const dataDirectory = dataDirectoryPath(invocation);
  refuseWhereItRunsElsewhere(dataDirectory);
  const source = await specificationOf(invocation, progress);
  const stopping = new AbortController();
  const verbose = flag(values, 'verbose');

  const starting = progress.begin('starting control and gateway');
  let hasWaited = false;
  let supervisor: Supervisor<'platform'>;
  try {
    supervisor = await startSupervisor({
      role: { kind: 'platform' },
      dataDirectory,
      specification: withFolder(source.loaded),
      insecure: flag(values, 'insecure'),
      portFallback: flag(values, 'demo'),
      logLevel: stringOption(values, 'log-level') ?? 'info',
      ...(verbose ? { onLog: (chunk) => terminal.stderr.write(chunk.toString()) } : {}),
      onStandby(why) {
        hasWaited = true;
        progress.note(`control stands by: ${why}`);
      },
      clock: systemClock,
    });
  } catch (error) {
    starting.drop();
    throw error;
  }
  await using _supervisor = supervisor;
  using _reload = onHangup(terminal, supervisor, source.loaded.specification);
  // The key that control leaves for us is there when it is ready.
  const client = controlClient({
    url: supervisor.listeners.control.url,
    // With TLS past the certificate: this process is the platform.
    socketPath: supervisor.listeners.control.socket,
    apiKey: () => terminal.env['FLYBALL_API_KEY'] ?? localKey(dataDirectory),
  });
  const unsubscribe = onInterrupts(terminal, client, supervisor, stopping);
  const needsKeys = source.loaded.specification.auth.keys === 'required';
  const keyFile = join(dataDirectory, 'admin.key');
  let code: ExitCode = exitCodes.done;
  let failed: ExitCode | undefined;
  try {
    await Promise.race([supervisor.ready, supervisor.closed]);
    if (!stopping.signal.aborted) {
      starting.end('ok', `control and gateway answer, data in ${dataDirectory}`);
      tellMoved(supervisor, progress);
      if (needsKeys) tellKeys(keyFile, progress);
      code = await deployTo(client, source, invocation, progress, stopping.signal).catch((error: unknown) => {
        if (!hasWaited || stopping.signal.aborted) throw error;
        // Another control's work goes on here: it is no reason to end it that this machine lacks what the file names.
        progress.note('the specification could not be applied here; what the platform served before is served on');
        return reportError(error, 'up', terminal, verbose);
      });
    }
    if (!stopping.signal.aborted) {
      const status = await client.status(stopping.signal);
      const around = { where: whereOf(invocation), keyFile: needsKeys ? keyFile : undefined };
      terminal.stdout.write(upText(status, supervisor.listeners, statusStyle(terminal), around));
      onServing(code);
    }
  } catch (error) {
    // What follows from the stop itself is no news.
    if (!stopping.signal.aborted) {
      failed = reportError(error, 'up', terminal, verbose);
      await supervisor.drain('the start failed');
    }
  }
  const end = await supervisor.closed;
  unsubscribe();
  terminal.stderr.write(`  stopped: ${end.reason}\n`);
  if (failed !== undefined) return failed;
  return exitCodeOfEnd(end, code === exitCodes.usage ? code : exitCodes.done);
}

/** A data directory that was named here has to be named there too. */
function whereOf({ values }: Invocation): string {
  const given = stringOption(values, 'data-dir');
  return given === undefined ? '' : ` --data-dir ${given}`;
}

interface Source {
  readonly loaded: LoadedSpecification;
  /** False when there is no file: then what the data directory holds is served on. */
  readonly apply: boolean;
}

async function specificationOf({ terminal, values, positionals }: Invocation, progress: Progress): Promise<Source> {
  const [given] = positionals;
  if (given !== undefined) return { loaded: await loadFrom(given, terminal), apply: true };
  if (flag(values, 'demo')) {
    const demo = fileURLToPath(new URL('../../../examples/demo.yaml', import.meta.url));
    return { loaded: await loadFrom(demo, terminal), apply: true };
  }
  if (existsSync(resolve(terminal.cwd, defaultSpecification)))
    return { loaded: await loadFrom(undefined, terminal), apply: true };
  progress.note(`there is no ${defaultSpecification} here; starting with what the data directory holds`);
  const stored = await storedSpecification(dataDirectoryPath({ terminal, values }));
  return {
    loaded: { specification: stored ?? parseSpecification('{}', 'defaults'), path: terminal.cwd, folder: terminal.cwd },
    apply: false,
  };
}

/** What was applied last, so that a start without the file listens and limits as before. */
async function storedSpecification(dataDirectory: string): Promise<Specification | undefined> {
  const path = join(dataDirectory, databaseFile);
  const settings = rememberedStore(dataDirectory);
  // Opening would make the file where there is none.
  if (settings.kind === 'sqlite' && !existsSync(path)) return undefined;
  await using store = await openStore(settings, path, systemClock);
  const stored = (await store.applied())?.resolved.specification;
  // An earlier version of this software may have written it: settings that have come since get their defaults.
  return stored === undefined ? undefined : { ...specificationSchema.parse(stored), store: settings };
}

/** Its replicas, wherever they run, would be taken for those of a second control. */
function refuseWhereItRunsElsewhere(dataDirectory: string): void {
  const fleet = rememberedFleet(dataDirectory);
  if (fleet === undefined) return;
  throw new FlyballError(
    'DATA_DIR_LOCKED',
    `${dataDirectory} is that of ${fleet.name}, which runs on a Swarm (${fleet.control[0]}): \`flyball up --orchestrator swarm\` changes it, \`flyball down\` takes it off`,
  );
}

async function deployTo(
  client: ControlClient,
  { loaded, apply }: Source,
  invocation: Invocation,
  progress: Progress,
  signal: AbortSignal,
): Promise<ExitCode> {
  if (!apply) return exitCodes.done;
  const prepared = await prepare(loaded, generatedFolder(dataDirectoryPath(invocation)), progress, signal);
  return await bring(invocation, client, prepared, progress, signal);
}

/** A model that cannot be served is told and leaves the platform up: the others are served. */
async function bring(
  invocation: Invocation,
  client: ControlClient,
  prepared: Prepared,
  progress: Progress,
  signal: AbortSignal,
): Promise<ExitCode> {
  const { terminal } = invocation;
  try {
    const options = { by: caller(terminal.env), wait: true, timeoutMs: startMsMax };
    await applySpecification(client, prepared, options, progress, signal);
    return exitCodes.done;
  } catch (error) {
    if (signal.aborted) throw error;
    const { code } = toFlyballError(error);
    const ofOneModel = ['MODEL_LOAD_FAILED', 'INVALID_MODEL', 'REPLICA_FAILED'].includes(code);
    if (!ofOneModel && !code.startsWith('SIGNATURE_')) throw error;
    return reportError(error, 'up', terminal, flag(invocation.values, 'verbose'));
  }
}

function tellKeys(path: string, progress: Progress): void {
  if (existsSync(path)) progress.note(`callers need a key; the first is in ${path}, more: flyball keys create NAME`);
  else progress.note('callers need a key: flyball keys create NAME');
}

function onInterrupts(
  terminal: Terminal,
  client: ControlClient,
  supervisor: Supervisor,
  stopping: AbortController,
): () => void {
  let count = 0;
  return terminal.onInterrupt((interrupt) => {
    count++;
    if (count === 1) {
      stopping.abort();
      void drain(terminal, client, supervisor, interrupt);
    } else if (count === 2) {
      terminal.stderr.write('  stopping at once\n');
      void supervisor.abort(interrupt);
    }
  });
}

async function drain(
  terminal: Terminal,
  client: ControlClient,
  supervisor: Supervisor,
  interrupt: string,
): Promise<void> {
  let inFlight: string;
  try {
    const { deployments } = await client.status(AbortSignal.timeout(countMsMax));
    const sum = deployments.reduce((total, { load }) => total + load.inFlight + load.queueLength, 0);
    inFlight = `${sum} request${sum === 1 ? '' : 's'} in flight`;
  } catch {
    inFlight = 'requests in flight are finished';
  }
  terminal.stderr.write(`\n  draining, ${inFlight}; Ctrl-C again to stop at once\n`);
  await supervisor.drain(interrupt);
}
