/**
 * The same call from elsewhere: curl, Python (tritonclient), TypeScript (flyball/client). Each goes to the inference
 * address and runs as it is; what is long is read from a file, which the page offers. Pure.
 */
import type { VersionView } from '../../../../../src/api/schemas.ts';
import { pythonPixels, typescriptPixels } from './pixels.ts';
import type { TypedTensor } from './tensor-json.ts';
import type { Version } from './takes.ts';

export type Sent =
  | { readonly kind: 'file'; readonly name: string; readonly type: string }
  | { readonly kind: 'json'; readonly text: string; readonly tensors: readonly TypedTensor[] };

export interface Target {
  readonly deployment: string;
  /** Of the listener for inferences over HTTP. */
  readonly url: string;
  /** Whether callers need a key. */
  readonly auth: boolean;
  readonly version: Version | undefined;
}

export interface Call {
  readonly language: 'curl' | 'Python' | 'TypeScript';
  readonly text: string;
}

/** Longer bodies are in this file. */
export const bodyFile = 'request.json';
const inlineMax = 600;
const valuesInlineMax = 24;

/** `http://0.0.0.0:8000` is where it listens; others reach it where they reach this page. */
export function reachable(url: string, pageHost: string): string {
  return url.replace(/\/\/(?:0\.0\.0\.0|\[::\])(?=[:/]|$)/, `//${pageHost}`).replace(/\/$/, '');
}

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const json = JSON.stringify;
const nameOf = (tensor: string): string => tensor.replaceAll(/\W/g, '_').replace(/^(?=\d)/, '_');

function curl({ deployment, url, auth }: Target, sent: Sent): string {
  const path = sent.kind === 'file' ? `/predictions/${encodeURIComponent(deployment)}` : v2Path(deployment);
  const key = auth ? [`-H "Authorization: Bearer $FLYBALL_API_KEY"`] : [];
  const type = sent.kind === 'file' ? sent.type : 'application/json';
  const short = sent.kind === 'json' && sent.text.length <= inlineMax;
  const data = sent.kind === 'file' ? `@${quoted(sent.name)}` : short ? quoted(sent.text.trim()) : `@${bodyFile}`;
  return [`curl ${url}${path}`, ...key, `-H 'Content-Type: ${type}'`, `--data-binary ${data}`].join(' \\\n  ');
}

const v2Path = (deployment: string): string => `/v2/models/${encodeURIComponent(deployment)}/infer`;
const numpyNames: Readonly<Record<string, string>> = {
  BOOL: 'bool_',
  BYTES: 'object_',
  FP16: 'float16',
  FP32: 'float32',
  FP64: 'float64',
};
const numpy = (datatype: string): string => `np.${numpyNames[datatype] ?? datatype.toLowerCase()}`;
const pythonValue = (value: unknown): string => (value === true ? 'True' : value === false ? 'False' : json(value));

function python(target: Target, sent: Sent): string | undefined {
  const { deployment, url, auth, version } = target;
  const pixels = sent.kind === 'file' ? pythonPixels(version, sent.name) : undefined;
  if (sent.kind === 'file' && pixels === undefined) return undefined;
  const secure = url.startsWith('https:');
  const isLong = sent.kind === 'json' && sent.tensors.some(({ data }) => data.length > valuesInlineMax);
  const imports = [
    ...(isLong ? ['import json'] : []),
    ...(auth ? ['import os'] : []),
    ...(isLong || auth ? [''] : []),
    'import numpy as np',
    'import tritonclient.http as httpclient  # pip install "tritonclient[http]"',
    ...(pixels === undefined ? [] : ['from PIL import Image  # pip install pillow']),
  ];
  const inputs =
    sent.kind === 'file'
      ? [{ name: pixels?.input ?? '', datatype: 'FP32', lines: pixels?.lines ?? [] }]
      : sent.tensors.map(({ name, datatype, shape, data }, index) => ({
          name,
          datatype,
          lines: [
            isLong
              ? `${nameOf(name)} = np.array(sent[${index}]["data"], ${numpy(datatype)}).reshape(${json(shape)})`
              : `${nameOf(name)} = np.array([${data.map(pythonValue).join(', ')}], ${numpy(datatype)}).reshape(${json(shape)})`,
          ],
        }));
  const head = isLong ? [`sent = json.load(open("${bodyFile}"))["inputs"]`] : [];
  const made = inputs.flatMap(({ name, datatype, lines }) => [
    ...lines,
    `${nameOf(name)}_input = httpclient.InferInput(${json(name)}, ${nameOf(name)}.shape, "${datatype}")`,
    `${nameOf(name)}_input.set_data_from_numpy(${nameOf(name)})`,
  ]);
  const host = url.replace(/^https?:\/\//, '');
  const headers = auth ? ', headers={"Authorization": f"Bearer {os.environ[\'FLYBALL_API_KEY\']}"}' : '';
  const given = inputs.map(({ name }) => `${nameOf(name)}_input`).join(', ');
  const outputs = version?.signature.outputs ?? [];
  return [
    ...imports,
    '',
    ...head,
    ...made,
    '',
    `client = httpclient.InferenceServerClient("${host}"${secure ? ', ssl=True' : ''})`,
    `result = client.infer(${json(deployment)}, [${given}]${headers})`,
    ...(outputs.length === 0 ? ['print(result.get_response())'] : []),
    ...outputs.map(({ name }) => `print(${json(name)}, result.as_numpy(${json(name)}))`),
  ].join('\n');
}

function typescript(target: Target, sent: Sent): string | undefined {
  const { deployment, url, auth, version } = target;
  const pixels = sent.kind === 'file' ? typescriptPixels(version, sent.name) : undefined;
  if (sent.kind === 'file' && pixels === undefined) return undefined;
  const isLong = sent.kind === 'json' && sent.tensors.some(({ data }) => data.length > valuesInlineMax);
  const typed = (datatype: string, values: string): string =>
    datatype === 'INT64' || datatype === 'UINT64' ? `${values}.map(BigInt)` : values;
  const tensors =
    sent.kind === 'file'
      ? [pixels?.tensor ?? '']
      : sent.tensors.map(({ name, datatype, shape, data }, index) => {
          const values = isLong ? `sent[${index}].data` : typed(datatype, json(data));
          return `tensor(${json(name)}, '${datatype}', ${json(shape)}, ${values})`;
        });
  const key = auth ? `, apiKey: process.env.FLYBALL_API_KEY ?? ''` : '';
  const body = tensors.length === 1 ? `[${tensors[0]}]` : `[\n    ${tensors.join(',\n    ')},\n  ]`;
  const outputs = version?.signature.outputs ?? [];
  return [
    ...(isLong ? [`import { readFileSync } from 'node:fs';`] : []),
    `import { openClient, tensor } from 'flyball/client';`,
    ...(pixels === undefined ? [] : [`import sharp from 'sharp';`]),
    '',
    ...(isLong ? [`const { inputs: sent } = JSON.parse(readFileSync('${bodyFile}', 'utf8'));`] : []),
    ...(pixels?.lines ?? []),
    `await using client = openClient({ url: '${url}'${key} });`,
    `const result = await client.infer({`,
    `  model: ${json(deployment)},`,
    `  inputs: ${body},`,
    '});',
    ...(outputs.length === 0 ? ['console.log(result.outputs);'] : []),
    ...outputs.map(({ name, datatype }) => read(name, datatype)),
  ].join('\n');
}

const read = (name: string, datatype: VersionView['signature']['outputs'][number]['datatype']): string =>
  datatype === 'BYTES'
    ? `console.log(${json(name)}, result.texts(${json(name)}));`
    : `console.log(${json(name)}, result.output(${json(name)}, '${datatype}'));`;

/** A file that the model takes as it is goes by curl alone: those clients speak of tensors. */
export function callsOf(target: Target, sent: Sent): Call[] {
  const calls = [
    { language: 'curl', text: curl(target, sent) },
    { language: 'Python', text: python(target, sent) },
    { language: 'TypeScript', text: typescript(target, sent) },
  ] as const;
  return calls.flatMap(({ language, text }) => (text === undefined ? [] : [{ language, text }]));
}

/** Whether the calls read the body from a file. */
export const needsFile = (sent: Sent): boolean =>
  sent.kind === 'file' ||
  sent.text.length > inlineMax ||
  sent.tensors.some(({ data }) => data.length > valuesInlineMax);
