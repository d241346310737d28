/**
 * `flyball journal`: what was decided, done and asked for, and why. Listed newest last, as a log is read; followed; as
 * JSON lines for others (`export`); and checked (`verify`), here for a file that was exported, there for the store.
 */
import { resolve } from 'node:path';
import type { JournalVerdict } from '../../api/schemas.ts';
import { FlyballError } from '../../errors.ts';
import { parseCount } from '../arguments.ts';
import { connect } from '../connect.ts';
import type { ControlClient, JournalAsk } from '../control-client.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { entriesOf } from '../journal-file.ts';
import { entryLine, verdictText } from '../journal-text.ts';
import { isRecorded, replayed, replayLine, type Replayed } from '../replayed.ts';
import { formatOf, print, toJson } from '../output.ts';
import { statusStyle } from '../terminal.ts';
import { parseMoment } from '../moment.ts';

const pageLength = 1000;
const followMs = 20_000;
const listedDefault = 50;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const [action = 'list', argument] = invocation.positionals;
  switch (action) {
    case 'list':
      return flag(invocation.values, 'follow') ? follow(invocation) : list(invocation);
    case 'export':
      return exportLines(invocation);
    case 'verify':
      return verify(invocation, argument);
    case 'show':
      return show(invocation, argument);
    case 'replay':
      return replay(invocation, argument);
    default:
      throw new UsageError(
        `journal does not know ${action}`,
        'expected list, show ID, replay ID or FILE, export, or verify [FILE]',
      );
  }
}

function askOf({ values }: Invocation): JournalAsk {
  const since = stringOption(values, 'since');
  return {
    subject: stringOption(values, 'deployment'),
    kind: stringOption(values, 'kind'),
    since: since === undefined ? undefined : parseMoment(since, '--since', Date.now()),
  };
}

async function list(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const limit = parseCount(stringOption(values, 'limit') ?? String(listedDefault), '--limit', 1, pageLength);
  const newest = await connect(invocation).journal({ ...askOf(invocation), limit, order: 'newest' }, signal);
  const entries = newest.toReversed();
  const style = statusStyle(terminal);
  await print(terminal, formatOf(values), {
    data: entries,
    items: entries,
    names: () => entries.map(({ id }) => String(id)),
    table: () => entries.map((entry) => `${entryLine(entry, style)}\n`).join('') || 'No entries.\n',
  });
  return exitCodes.done;
}

async function follow(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const client = connect(invocation);
  const format = formatOf(values);
  if (format === 'yaml' || format === 'name')
    throw new UsageError(`--follow shows lines or NDJSON, not ${format}`, 'leave -o out, or say -o ndjson');
  const asked = askOf(invocation);
  const style = statusStyle(terminal);
  let after = asked.since === undefined ? await lastOf(client, signal) : 0;
  for (;;) {
    const entries = await client.journal({ ...asked, after, waitMs: followMs, limit: pageLength }, signal);
    for (const entry of entries) {
      terminal.stdout.write(`${format === 'table' ? entryLine(entry, style) : toJson(entry)}\n`);
      after = entry.id;
    }
  }
}

async function lastOf(client: ControlClient, signal: AbortSignal): Promise<number> {
  const [newest] = await client.journal({ limit: 1, order: 'newest' }, signal);
  return newest?.id ?? 0;
}

/** Whatever was asked for, all of it, oldest first. */
async function exportLines(invocation: Invocation): Promise<ExitCode> {
  const { terminal, signal } = invocation;
  const client = connect(invocation);
  const asked = askOf(invocation);
  for (let after = 0; ;) {
    const entries = await client.journal({ ...asked, after, limit: pageLength }, signal);
    for (const entry of entries) terminal.stdout.write(`${toJson(entry)}\n`);
    const last = entries.at(-1);
    if (last === undefined) return exitCodes.done;
    after = last.id;
  }
}

async function verify(invocation: Invocation, file: string | undefined): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const verdict =
    file === undefined
      ? await connect(invocation).verifyJournal(signal)
      : await verifyFile(resolve(terminal.cwd, file));
  await print(terminal, formatOf(values), {
    data: verdict,
    names: () => (verdict.bad === undefined ? [] : [String(verdict.bad.id)]),
    table: () => verdictText(verdict),
  });
  return verdict.bad === undefined ? exitCodes.done : exitCodes.failed;
}

/** An export begins wherever its filter did: its first entry is taken at its word, and the chain held from there. */
async function verifyFile(path: string): Promise<JournalVerdict> {
  const { startVerifier } = await import('../../journal/verify.ts');
  let verifier: ReturnType<typeof startVerifier> | undefined;
  for await (const entry of entriesOf(path)) {
    const { id, before: hash, at } = entry;
    verifier ??= startVerifier({ id: id - 1, hash, lastAt: at, at, retention: 'where the file begins' });
    if (!verifier.take(entry)) break;
  }
  if (verifier === undefined) throw new FlyballError('INVALID_REQUEST', `${path} holds no journal entries`);
  return verifier.verdict();
}

/** One of the platform's, by its number; or every decision of a file that was exported, where no platform is needed. */
async function replay(invocation: Invocation, what: string | undefined): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const isNumber = /^\d*$/.test(what ?? '');
  const again: Replayed[] = [];
  if (isNumber) {
    const number = parseCount(what ?? '', 'ID', 1, Number.MAX_SAFE_INTEGER);
    const entry = await connect(invocation).journalEntry(number, signal);
    again.push(await replayed(entry));
  } else {
    for await (const entry of entriesOf(resolve(terminal.cwd, what ?? ''))) {
      if (isRecorded(entry)) again.push(await replayed(entry));
    }
    if (again.length === 0) throw new FlyballError('INVALID_REQUEST', `${what} holds no decision that can be replayed`);
  }
  const differing = again.filter(({ same }) => !same);
  await print(terminal, formatOf(values), {
    data: isNumber ? again[0] : again,
    items: again,
    names: () => differing.map(({ id }) => String(id)),
    table: () => again.map(replayLine).join(''),
  });
  return differing.length === 0 ? exitCodes.done : exitCodes.failed;
}

async function show(invocation: Invocation, id: string | undefined): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const number = parseCount(id ?? '', 'ID', 1, Number.MAX_SAFE_INTEGER);
  const entry = await connect(invocation).journalEntry(number, signal);
  const style = statusStyle(terminal);
  await print(terminal, formatOf(values), {
    data: entry,
    names: () => [String(entry.id)],
    table: () => {
      const details = entry.details === undefined ? '' : `${toJson(entry.details, 2)}\n`;
      return `${entryLine(entry, { ...style, columns: undefined })}\n${details}`;
    },
  });
  return exitCodes.done;
}
