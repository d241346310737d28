/** `telemetry`: what is refused, in words that say what was expected, and where files are looked for. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSpecification, parseSpecification } from './load.ts';

const v1 = 'kind: v1, name: a, url: "http://i:8086", database: d';
const v2 = 'kind: v2, name: a, url: "http://i:8086", org: o, bucket: b, token: {env: T}';
const http = 'kind: http, name: a, url: "http://i:8186/write"';
const udp = 'kind: udp, name: a, port: 8089';
const file = 'kind: file, name: a, path: lines';
const of = (...sinks: readonly string[]): string =>
  `telemetry: {influx: [${sinks.map((sink) => `{${sink}}`).join(', ')}]}`;
const problem = (...sinks: readonly string[]): string => {
  try {
    parseSpecification(of(...sinks), 'flyball.yaml');
    return '';
  } catch (error) {
    return (error as Error).message.replace(/^flyball\.yaml:\d+:\d+: telemetry\.influx\.?/, '');
  }
};

test('each kind of sink is taken with as little as it needs', () => {
  for (const sink of [v1, v2, http, udp, file]) assert.equal(problem(sink), '', sink);
});

test('an unknown kind, and a key of another kind, are refused by name', () => {
  assert.match(problem('kind: v4, name: a'), /^\[0\]\.kind: .*v1.*v2.*http.*udp.*file/);
  assert.match(problem(`${udp}, database: d`), /^\[0\]\.database: /);
  assert.match(problem(`${v1}, databse: d`), /^\[0\]\.databse: .*database/);
});

test('two sinks have two names, and write to two files', () => {
  assert.match(problem(v1, v2), /^\[1\]\.name: is the name of telemetry\.influx\[0\] too/);
  assert.match(
    problem(file, file.replace('name: a', 'name: b')),
    /^\[1\]\.path: is the file of telemetry\.influx\[0\] too/,
  );
});

test('secrets are said by their place, and go with their user', () => {
  assert.match(
    problem(`${v1}, username: u`),
    /^\[0\]: expected username and password, or neither; password is missing/,
  );
  assert.match(problem(`${v1}, password: {env: P}`), /; username is missing/);
  assert.match(
    problem(`${http}, username: u, password: {env: P}, bearer: {env: T}`),
    /^\[0\]\.bearer: excludes username/,
  );
  assert.match(problem(v2.replace('{env: T}', '{}')), /^\[0\]\.token: expected where the secret is: file or env/);
  assert.match(problem(v2.replace('{env: T}', 'secret')), /^\[0\]\.token: /);
  assert.match(problem(v1.replace('http://i', 'http://me:secret@i')), /^\[0\]\.url: /);
});

test('bounds and tags are held to what works', () => {
  assert.match(
    problem(`${v1}, bufferBytesMax: 1KiB`),
    /^\[0\]\.bufferBytesMax: expected at least 65536 bytes, got 1024/,
  );
  assert.match(problem(`${file}, fileBytesMax: 10B`), /^\[0\]\.fileBytesMax: expected at least 4096 bytes, got 10/);
  assert.match(problem(`${v1}, intervalMs: 10`), /^\[0\]\.intervalMs: /);
  assert.match(problem(`${v1}, tags: {time: x}`), /^\[0\]\.tags/);
  assert.match(problem(`${v1}, tags: {site: "a\\nb"}`), /^\[0\]\.tags\.site: /);
  assert.match(problem(`${udp}, datagramBytesMax: 100000`), /^\[0\]\.datagramBytesMax: /);
});

test('files are looked for beside the specification', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fb-'));
  try {
    const path = join(folder, 'flyball.yaml');
    await writeFile(path, of(v2.replace('{env: T}', '{file: ./token}'), file.replace('name: a', 'name: b')));
    const { influx } = (await loadSpecification(path)).specification.telemetry;
    assert.deepEqual(
      influx.map((sink) => (sink.kind === 'v2' ? sink.token.file : sink.kind === 'file' ? sink.path : '')),
      [join(folder, 'token'), join(folder, 'lines')],
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a collector: secrets by their place alone, headers and signals of the right kind', async () => {
  const otlp = (more: string): string => {
    try {
      parseSpecification(`telemetry: {otlp: {endpoint: "http://c:4318", ${more}}}`, 'flyball.yaml');
      return '';
    } catch (error) {
      return (error as Error).message.replace(/^flyball\.yaml:\d+:\d+: telemetry\.otlp\.?/, '');
    }
  };
  assert.equal(otlp('headers: {authorization: {env: TOKEN}, x-tenant: lab}'), '');
  assert.match(otlp('headers: {Authorization: "Bearer x"}'), /^headers\.Authorization: expected where the secret is/);
  assert.match(otlp('headers: {x-api-key: {env: A, file: b}}'), /^headers\.x-api-key/);
  assert.match(otlp('headers: {content-type: text/plain}'), /header that is not set by the export itself/);
  assert.match(otlp('signals: [traces, traces]'), /each signal once/);
  assert.match(otlp('bufferBytesMax: 1KiB'), /^bufferBytesMax: expected at least 65536 bytes, got 1024/);
  assert.match(otlp('bufferBytesMax: ""'), /^bufferBytesMax: .*bytes/);
  const folder = await mkdtemp(join(tmpdir(), 'fb-'));
  const path = join(folder, 'flyball.yaml');
  await writeFile(path, 'telemetry: {otlp: {endpoint: "http://c:4318", headers: {authorization: {file: token}}}}');
  const { headers } = (await loadSpecification(path)).specification.telemetry.otlp ?? {};
  assert.deepEqual(headers, { authorization: { file: join(folder, 'token') } });
  await rm(folder, { recursive: true });
});
