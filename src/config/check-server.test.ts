import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseModelFile } from './load.ts';

const spec = '[{name: x, datatype: FP32, shape: [-1]}]';
const problems = (server: string, rest = ''): string => {
  try {
    parseModelFile(`platform: server\nserver: ${server}\n${rest}`, 'model.yaml');
    return '';
  } catch (error) {
    return (error as Error).message.replace(/^model\.yaml:\d+:\d+: /, '');
  }
};

for (const server of [
  '{command: [python3, server.py, "{port}", "{port:grpc}", "{model}"], files: [server.py], env: {A: "{port:b}"}}',
  '{address: "https://models.example:8443/prefix"}',
  '{command: [run], address: "http://127.0.0.1:{port}/prefix"}',
  '{command: ["sh", "-c", "echo ${HOME} {}"]}',
  '{image: "registry.example:5000/models/churn:3"}',
  '{image: mlserver, files: [a], env: {MODELS: "{files}", PORT: "{port}"}, address: "http://127.0.0.1:8080"}',
  `{address: "http://a", protocol: v1, inputs: ${spec}, outputs: ${spec}}`,
  '{address: "http://a", protocol: torchserve, takesFiles: true}',
]) {
  test(`a server may be declared so: ${server}`, () => {
    assert.equal(problems(server), '');
  });
}

for (const [server, said, rest] of [
  ['{}', 'server: expected a command that starts the server, an image that it is in, or the address of one that runs'],
  ['{command: [""]}', 'server.command: expected the name of a program first, got nothing'],
  ['{address: "ftp://a"}', 'server.address: expected http://host:port, with or without a path, got ftp://a'],
  ['{address: "http://a?b=c"}', 'server.address: expected http://host:port, with or without a path, got http://a?b=c'],
  [
    '{address: "http://me:secret@a"}',
    'server.address: expected no user and password in it: a version keeps them for ever, and everybody can read them',
  ],
  ['{address: "http://a:{port}"}', 'server.address: names {port}, but only a command or an image is given a port'],
  ['{address: "http://a", files: [x]}', 'server.files: is for a command or an image, and there is neither'],
  ['{command: [a, "{prot}"]}', 'server.command: expected {port}, {port:NAME}, {model} or {files}, got {prot}'],
  ['{command: [a], env: {B: "{host}"}}', 'server.env: expected {port}, {port:NAME}, {model} or {files}, got {host}'],
  [
    '{image: "two words"}',
    'server.image: expected the name of an image, as in registry.example/models/churn:3, got "two words"',
  ],
  ['{command: [a], env: {"1 2": x}}', /server\.env\.1 2|name of a variable/],
  [`{command: [a], inputs: ${spec}}`, 'server.outputs: is missing: a signature is declared whole or not at all'],
  ['{command: [a], takesFiles: true}', 'server.takesFiles: is for torchserve, but the protocol is v2'],
  [
    '{command: [a], protocol: v1}',
    'server.inputs: is missing: a server of v1 cannot be asked what it takes, so inputs and outputs are declared',
  ],
  [
    `{command: [a], protocol: v1, version: "2", inputs: ${spec}, outputs: ${spec}}`,
    'server.version: is not part of the paths of v1',
  ],
  [
    '{command: [a], protocol: torchserve, takesFiles: true, binary: on}',
    'server.binary: is for v2, but the protocol is torchserve',
  ],
  [
    '{command: [a], protocol: torchserve, takesFiles: true}',
    'pipeline: excludes server.takesFiles: a file is decoded here or passed on',
    'pipeline: {}',
  ],
  ['{command: [a], comand: b}', /did you mean command\?/],
] as const) {
  test(`a server is refused: ${server} ${rest ?? ''}`, () => {
    const found = problems(server, rest);
    if (typeof said === 'string') assert.equal(found, said);
    else assert.match(found, said);
  });
}

test('the platform server and its key go together', () => {
  assert.throws(
    () => parseModelFile('platform: server', 'model.yaml'),
    /server: is missing; the platform server needs it/,
  );
  assert.throws(
    () => parseModelFile('server: {command: [a]}', 'm'),
    /is for the platform server, but the platform is onnx/,
  );
});
