/** Rules of `telemetry` beyond its types. Pure. */
import { bytes } from './bytes.ts';
import type { SecretPlace } from './alerts-specification.ts';
import { checkPlace } from './check-alerts.ts';
import type { OtlpSettings } from './otlp-specification.ts';
import type { ConfigurationProblem } from './problems.ts';
import { toBytes, type Specification } from './specification.ts';
import type { InfluxSettings } from './telemetry-specification.ts';

/** Less would not hold one look at a small platform. */
const bufferBytesMin = 65_536;
const fileBytesMin = 4096;

export function checkTelemetry({ telemetry }: Pick<Specification, 'telemetry'>): ConfigurationProblem[] {
  const names = new Map<string, number>();
  const paths = new Map<string, number>();
  const ofInflux = telemetry.influx.flatMap((sink, index) => {
    const path = ['telemetry', 'influx', index];
    const problems = checkSink(path, sink);
    const twin = names.get(sink.name);
    if (twin !== undefined)
      problems.push({ path: [...path, 'name'], text: `is the name of telemetry.influx[${twin}] too` });
    names.set(sink.name, index);
    if (sink.kind !== 'file') return problems;
    const sharer = paths.get(sink.path);
    if (sharer !== undefined)
      problems.push({ path: [...path, 'path'], text: `is the file of telemetry.influx[${sharer}] too` });
    paths.set(sink.path, index);
    return problems;
  });
  return [...ofInflux, ...(telemetry.otlp === undefined ? [] : checkOtlp(telemetry.otlp))];
}

/** Names under which secrets are sent: what is written into the specification is shown to whoever may read it. */
const secretHeader = /authorization|cookie|key|password|secret|token/i;

function checkOtlp({ headers, bufferBytesMax }: OtlpSettings): ConfigurationProblem[] {
  const path = ['telemetry', 'otlp'];
  const problems: ConfigurationProblem[] = [];
  // What is no size at all is told where it is read.
  if (bytes.safeParse(bufferBytesMax).success && toBytes(bufferBytesMax) < bufferBytesMin) {
    const text = `expected at least ${bufferBytesMin} bytes, got ${toBytes(bufferBytesMax)}`;
    problems.push({ path: [...path, 'bufferBytesMax'], text });
  }
  for (const [name, value] of Object.entries(headers)) {
    const where = [...path, 'headers', name];
    if (typeof value !== 'string') problems.push(...checkPlace(where, value));
    else if (secretHeader.test(name))
      problems.push({ path: where, text: 'expected where the secret is, as {env: NAME} or {file: PATH}, got a value' });
  }
  return problems;
}

type Secrets = { readonly [key in 'password' | 'token' | 'bearer']?: SecretPlace | undefined };

function checkSink(path: readonly PropertyKey[], sink: InfluxSettings): ConfigurationProblem[] {
  const problems: ConfigurationProblem[] = [];
  const atLeast = (key: string, value: number | string, least: number): void => {
    // What is no size at all is told where it is read; the rules between keys are asked all the same.
    if (!bytes.safeParse(value).success || toBytes(value) >= least) return;
    problems.push({ path: [...path, key], text: `expected at least ${least} bytes, got ${toBytes(value)}` });
  };
  atLeast('bufferBytesMax', sink.bufferBytesMax, bufferBytesMin);
  if (sink.kind === 'file') atLeast('fileBytesMax', sink.fileBytesMax, fileBytesMin);
  const { password, token, bearer } = sink as Secrets;
  for (const [key, place] of Object.entries({ password, token, bearer })) {
    if (place !== undefined) problems.push(...checkPlace([...path, key], place));
  }
  if (sink.kind !== 'v1' && sink.kind !== 'http') return problems;
  if ((sink.username === undefined) !== (sink.password === undefined)) {
    const missing = sink.username === undefined ? 'username' : 'password';
    problems.push({ path, text: `expected username and password, or neither; ${missing} is missing` });
  }
  if (sink.kind === 'http' && sink.bearer !== undefined && sink.password !== undefined) {
    problems.push({ path: [...path, 'bearer'], text: 'excludes username and password' });
  }
  return problems;
}
