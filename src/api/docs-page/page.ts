/**
 * The API's page for people, made from its OpenAPI document: each route with what it takes and an example that can be
 * pasted. Pure. It is one HTML file without a script, and asks nobody for anything but its style.
 */
import { exampleOf } from './example.ts';

type Json = Record<string, unknown>;

export interface Operation extends Json {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Json }>> };
  readonly responses: Readonly<Record<string, { readonly description: string }>>;
  readonly security?: readonly Json[];
  readonly 'x-flyball-scope'?: string;
}

export interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header' | 'cookie';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Json;
}

const escaped: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
export const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (each) => escaped[each] ?? each);

/** `style`: where the style sheet is; `origin`: of the examples. */
export function docsPage(
  document: Json,
  { style, origin }: { readonly style: string; readonly origin: string },
): string {
  const { info, paths } = document as { info: { title: string; version: string }; paths: Record<string, Json> };
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation: operation as Operation })),
  );
  const groups = Map.groupBy(operations, ({ path }) => path.split('/')[3] ?? '');
  const sections = [...groups].map(([name, own]) => {
    const routes = own.map((each) => routeSection(each.path, each.method, each.operation, origin)).join('\n');
    return `<section aria-labelledby="g-${name}"><h2 id="g-${name}">${escapeHtml(name)}</h2>\n${routes}</section>`;
  });
  const contents = [...groups.keys()].map((name) => `<li><a href="#g-${name}">${escapeHtml(name)}</a></li>`);
  const title = `${escapeHtml(info.title)} ${escapeHtml(info.version)}`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="stylesheet" href="${style}">
</head>
<body>
<header><h1>${title}</h1>
<p>Problems are RFC 9457 documents with a <code>code</code>. What acts takes an <code>Idempotency-Key</code>; what can be
edited has an <code>ETag</code> for <code>If-Match</code>; lists have a <code>Link</code> to their next page. More in
<code>docs/api.md</code>; for programs: <a href="/api/v1/openapi.json">openapi.json</a>.</p>
<p>Where keys are required: <code>-H "Authorization: Bearer $FLYBALL_API_KEY"</code>.</p>
</header>
<nav aria-label="Contents"><ul>${contents.join('')}</ul></nav>
<main>
${sections.join('\n')}
</main>
</body>
</html>
`;
}

function routeSection(path: string, method: string, operation: Operation, origin: string): string {
  const { operationId, summary, parameters, responses, security } = operation;
  const scope = operation['x-flyball-scope'];
  const needs = scope === undefined ? (security?.length === 0 ? 'no key' : 'a proof of its own') : `a key: ${scope}`;
  const rows = parameters.map(({ name, in: place, required, description = '' }) => {
    const cells = [
      `<code>${escapeHtml(name)}</code>`,
      place + (required === true ? ', required' : ''),
      escapeHtml(description),
    ];
    return `<tr><td>${cells.join('</td><td>')}</td></tr>`;
  });
  const table =
    rows.length === 0
      ? ''
      : `<table><thead><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
  const answers = Object.entries(responses).map(
    ([status, { description }]) => `<li><code>${status}</code> ${escapeHtml(description)}</li>`,
  );
  return `<article id="${operationId}">
<h3><code>${method.toUpperCase()} ${escapeHtml(path)}</code></h3>
<p>${escapeHtml(summary)} <small>Needs ${escapeHtml(needs)}.</small></p>
${table}
<pre tabindex="0"><code>${escapeHtml(exampleOf(path, method, operation, origin))}</code></pre>
<details><summary>Answers</summary><ul>${answers.join('')}</ul></details>
</article>`;
}

export const docsStyle = `:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; background: light-dark(#fff, #14181c); color: light-dark(#1b1f23, #e6e8ea); }
a { color: light-dark(#0b5394, #8ab8ff); }
nav ul { display: flex; flex-wrap: wrap; gap: .5rem 1rem; padding: 0; list-style: none; }
article { border-top: 1px solid light-dark(#c8ccd0, #3a4048); padding: .5rem 0 1rem; }
h3 { overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; }
pre { overflow-x: auto; padding: .75rem; background: light-dark(#f2f4f6, #1e242a); }
@media (max-width: 40rem) { table, thead, tbody, tr, td, th { display: block; } thead { display: none; } }
`;
