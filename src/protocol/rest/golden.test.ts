import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { checkReply, type Expected } from '../../../test/golden/reply.ts';
import { startRest, type RestServer } from '../../testing/rest-server.ts';
import { tableService } from '../../testing/table-service.ts';

interface Case {
  readonly name: string;
  readonly model: string | null;
  readonly setup?: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly bodyJson?: { readonly parameters?: object };
    readonly bodyText?: string;
    readonly bodyBase64?: string;
  };
  readonly expected: Expected;
}

const folder = process.env['GOLDEN_DIR'] ?? new URL('../../../test/golden/data', import.meta.url).pathname;
const table = JSON.parse(readFileSync(`${folder}/open_inference.json`, 'utf8')) as { readonly cases: readonly Case[] };

/** What needs a queue or several answers to a request is not this level's. */
function skipReason(one: Case): string | false {
  if (one.setup !== undefined) return 'needs a queue';
  const parameters = one.request.bodyJson?.parameters ?? {};
  if ('fail_last' in parameters || 'repetition' in parameters) return 'needs several answers to one request';
  return false;
}

function bodyOf({ request }: Case): string | Uint8Array {
  if (request.bodyBase64 !== undefined) return Buffer.from(request.bodyBase64, 'base64');
  return request.bodyText ?? (request.bodyJson === undefined ? '' : JSON.stringify(request.bodyJson));
}

describe('the golden table of the Open Inference Protocol holds', () => {
  let server: RestServer;
  before(async () => {
    server = await startRest(tableService());
  });
  after(() => server[Symbol.asyncDispose]());

  for (const one of table.cases) {
    test(one.name, { skip: skipReason(one) }, async () => {
      const { method, path, headers } = one.request;
      const reply = await server.send(method, path, bodyOf(one), headers);
      checkReply(one.expected, { ...reply, headers: reply.headers as Record<string, string> });
      const health = await server.send('GET', '/v2/health/live');
      assert.equal(health.status, 200);
    });
  }
});
