/**
 * A control API with very many deployments and a journal of very many entries, for the console: the journal is a real
 * store's table, filled directly and searched as control searches it; the rest is said as if it were so. It takes no
 * orders.
 */
import type { ServerResponse } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import type { AddressInfo } from 'node:net';
import fastify from 'fastify';
import type { NodeView } from '../../src/api/node-schemas.ts';
import { openConsoleFiles } from '../../src/api/console-files/serve.ts';
import { helloFrame, statusFrame } from '../../src/api/events/frames.ts';
import { journalQuery, type StatusView } from '../../src/api/schemas.ts';
import { migrate } from '../../src/drivers/stores/sqlite-migrations.ts';
import { searchJournal } from '../../src/drivers/stores/journal-search.ts';
import { sqliteDialect } from '../../src/drivers/stores/sqlite-dialect.ts';
import { sqliteDrive } from '../../src/drivers/stores/sqlite-drive.ts';
import { deploymentNamed } from '../../src/testing/fake-control.ts';
import packageFile from '../../package.json' with { type: 'json' };

export interface CrowdedControl extends AsyncDisposable {
  readonly url: string;
  /** Answers to /journal, and entries in the longest of them. */
  readonly asked: { pages: number; longest: number };
  /** Whether the journal is answered with a failure. */
  broken: boolean;
  /** Ends every stream of events and takes no new one, or takes them again. */
  connect(isConnected: boolean): void;
}

export interface Crowd {
  readonly deployments: number;
  readonly entries: number;
  /** Over which the entries are spread, up to now. */
  readonly spanMs: number;
  /** Machines, with what is on them; none where nobody looks at them. */
  readonly nodes?: readonly NodeView[];
}

const kinds = ['decision', 'replica', 'upkeep', 'change', 'alert'] as const;

function fill(database: DatabaseSync, { entries, spanMs, deployments }: Crowd, now: number): void {
  migrate(database, 'here');
  const insert = database.prepare('INSERT INTO journal (id, record, high_at) VALUES (?, ?, ?)');
  database.exec('BEGIN');
  for (let id = 1; id <= entries; id += 1) {
    const at = Math.round(now - spanMs + ((id - 0.5) / entries) * spanMs);
    const kind = kinds[id % kinds.length] as (typeof kinds)[number];
    const subject = `d${id % Math.max(1, deployments)}`;
    const action = kind === 'decision' ? `${id % 7} → ${id % 5}` : kind;
    const record = { id, at, kind, action, subject, by: 'upkeep', reason: `reason ${id}`, before: '', hash: '' };
    insert.run(id, JSON.stringify(record), at);
  }
  database.exec('COMMIT');
}

export async function startCrowdedControl(crowd: Crowd): Promise<CrowdedControl> {
  const startedAt = Date.now();
  const database = new DatabaseSync(':memory:');
  fill(database, crowd, startedAt);
  const drive = sqliteDrive(database);
  const server = fastify({ forceCloseConnections: true });
  const files = openConsoleFiles();
  const streams = new Set<ServerResponse>();
  let isConnected = true;
  const control = {
    asked: { pages: 0, longest: 0 },
    broken: false,
    connect(to: boolean): void {
      isConnected = to;
      if (!to) for (const stream of streams) stream.end();
    },
  };
  const { version } = packageFile;

  const status = (): StatusView => ({
    name: 'crowd',
    flyball: version,
    at: Date.now(),
    startedAt,
    dataDirectory: '/nowhere/data',
    listeners: {},
    gateways: [],
    deployments: Array.from({ length: crowd.deployments }, (_, index) => deploymentNamed(`d${index}`)),
    overrides: [],
    warnings: [],
  });

  server.get('/api/v1/caller', () => ({ auth: 'none', scopes: ['read', 'operate', 'infer', 'admin'], version }));
  server.get('/api/v1/events', (_request, reply) => {
    if (!isConnected) return reply.code(503).send();
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    reply.raw.write(helloFrame({ version, api: 1, seq: crowd.entries, now: Date.now() }));
    const tell = (): boolean => reply.raw.write(statusFrame(JSON.stringify(status())));
    tell();
    const timer = setInterval(tell, 5000);
    streams.add(reply.raw);
    reply.raw.on('close', () => {
      clearInterval(timer);
      streams.delete(reply.raw);
    });
    return reply;
  });
  server.get('/api/v1/journal', (request, reply) => {
    if (control.broken) {
      const problem = { type: 'x', title: 'Internal', status: 500, code: 'INTERNAL', detail: 'the store is gone' };
      return reply.code(500).type('application/problem+json').send(JSON.stringify(problem));
    }
    const { waitMs: _, order, ...query } = journalQuery.parse(request.query);
    const found = drive(searchJournal(sqliteDialect, { ...query, newestFirst: order === 'newest' }));
    control.asked.pages += 1;
    control.asked.longest = Math.max(control.asked.longest, found.length);
    return found;
  });
  server.get<{ Params: { readonly id: string } }>(
    '/api/v1/journal/:id',
    ({ params: { id } }) => drive(searchJournal(sqliteDialect, { after: Number(id) - 1, limit: 1 }))[0],
  );
  server.get('/api/v1/operations', () => []);
  server.get('/api/v1/nodes', () => (crowd.nodes ?? []).map((node) => Object.assign({}, node, { at: Date.now() })));
  server.get<{ Params: { readonly name: string } }>(
    '/api/v1/deployments/:name/latency-model',
    ({ params: { name } }) => ({ deployment: name, starts: [], stopsMs: [] }),
  );
  server.get('/api/v1/notifications', () => ({ channels: [] }));
  server.get('/api/v1/deployments/:name/series', () => {
    const from = Math.round(Date.now() - 900_000);
    return { deployment: 'd', from, stepMs: 15_000, recordedSince: null, recordedMs: [], columns: {} };
  });
  server.setNotFoundHandler(async (request, reply) => {
    if (!(await files.serve(request.raw, reply)))
      await reply.code(404).send({ code: 'NOT_FOUND', detail: request.url });
    return reply;
  });
  await server.listen({ host: '127.0.0.1', port: 0 });
  const url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
  return Object.assign(control, {
    url,
    [Symbol.asyncDispose]: async () => {
      await server.close();
      database.close();
    },
  });
}
