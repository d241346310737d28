import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { callsOf, reachable, type Target } from './calls.ts';

const target: Target = {
  deployment: 'slow',
  url: 'http://127.0.0.1:8000',
  auth: false,
  version: {
    signature: {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
      batchable: true,
    },
  },
};
const text = '{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2.5]}]}';
const sent = { kind: 'json', text, tensors: [{ name: 'x', datatype: 'FP32', shape: [1, 2], data: [1, 2.5] }] } as const;
const textOf = (calls: ReturnType<typeof callsOf>, language: string): string =>
  calls.find((call) => call.language === language)?.text ?? '';

test('three calls to the same address with the same values', () => {
  const calls = callsOf(target, sent);
  assert.equal(
    textOf(calls, 'curl'),
    `curl http://127.0.0.1:8000/v2/models/slow/infer \\\n  -H 'Content-Type: application/json' \\\n  --data-binary '${text}'`,
  );
  assert.equal(
    textOf(calls, 'Python'),
    `import numpy as np
import tritonclient.http as httpclient  # pip install "tritonclient[http]"

x = np.array([1, 2.5], np.float32).reshape([1,2])
x_input = httpclient.InferInput("x", x.shape, "FP32")
x_input.set_data_from_numpy(x)

client = httpclient.InferenceServerClient("127.0.0.1:8000")
result = client.infer("slow", [x_input])
print("y", result.as_numpy("y"))`,
  );
  assert.equal(
    textOf(calls, 'TypeScript'),
    `import { openClient, tensor } from 'flyball/client';

await using client = openClient({ url: 'http://127.0.0.1:8000' });
const result = await client.infer({
  model: "slow",
  inputs: [tensor("x", 'FP32', [1,2], [1,2.5])],
});
console.log("y", result.output("y", 'FP32'));`,
  );
});

test('with keys each reads one from the environment, and none holds it', () => {
  for (const call of callsOf({ ...target, auth: true }, sent)) assert.match(call.text, /FLYBALL_API_KEY/);
});

test('a file without a pipeline goes by curl alone', () => {
  const calls = callsOf(target, { kind: 'file', name: 'a.bin', type: 'application/octet-stream' });
  assert.deepEqual(
    calls.map(({ language }) => language),
    ['curl'],
  );
});

test('whatever is typed is one argument for the shell', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (typed) => {
      const body = `{"id":${JSON.stringify(typed)}}`;
      const call = textOf(callsOf(target, { kind: 'json', text: body, tensors: [] }), 'curl');
      const printed = execFileSync('sh', ['-c', `curl() { printf '%s\\n' "$@"; }; ${call}`], { encoding: 'utf8' });
      assert.ok(printed.endsWith(`--data-binary\n${body}\n`), printed);
    }),
    { numRuns: 20 },
  );
});

test('where it listens on every address, it is called at that of the page', () => {
  assert.equal(reachable('http://0.0.0.0:8000', 'gpu.lab'), 'http://gpu.lab:8000');
  assert.equal(reachable('https://[::]:8000/', 'gpu.lab'), 'https://gpu.lab:8000');
  assert.equal(reachable('http://127.0.0.1:8000', 'gpu.lab'), 'http://127.0.0.1:8000');
});
