/**
 * Which text a scraper gets, by its Accept header (RFC 9110, section 12.5.1): OpenMetrics for whoever names it and does
 * not like plain text better, Prometheus text for everybody else. Prometheus names OpenMetrics first.
 */
export type ExpositionFormat = 'text' | 'openmetrics';

interface Range {
  readonly type: string;
  readonly version: string | undefined;
  readonly quality: number;
}

function readRange(text: string): Range {
  const [type = '', ...parameters] = text.split(';').map((part) => part.trim().toLowerCase());
  const valueOf = (name: string): string | undefined =>
    parameters
      .find((parameter) => parameter.startsWith(`${name}=`))
      ?.slice(name.length + 1)
      .replaceAll('"', '');
  const quality = Number(valueOf('q') ?? 1);
  return { type, version: valueOf('version'), quality: Number.isFinite(quality) ? quality : 0 };
}

/** The most that a header may say: what is longer is cut off. */
const acceptCharactersMax = 1000;

export function formatFor(accept: string | undefined): ExpositionFormat {
  if (accept === undefined) return 'text';
  const ranges = accept.slice(0, acceptCharactersMax).split(',').map(readRange);
  const best = (matches: (range: Range) => boolean): number =>
    Math.max(0, ...ranges.filter(matches).map(({ quality }) => quality));
  const openMetrics = best(
    ({ type, version }) => type === 'application/openmetrics-text' && (version === undefined || version === '1.0.0'),
  );
  const text = best(({ type, version }) => type === 'text/plain' && (version === undefined || version === '0.0.4'));
  return openMetrics > 0 && openMetrics >= text ? 'openmetrics' : 'text';
}
