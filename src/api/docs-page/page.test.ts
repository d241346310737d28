import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ControlService } from '../../control/control-service.ts';
import { openApiDocument } from '../openapi.ts';
import { routes } from '../routes.ts';
import { startApi } from '../server.ts';
import { docsPage } from './page.ts';

const place = { style: '/style.css', origin: 'http://127.0.0.1:8080' };

test('every route is on the page, with an example that names its method and a path without holes', () => {
  const page = docsPage(openApiDocument('1.2.3'), place);
  for (const { id, method, path } of routes) {
    const article = new RegExp(`<article id="${id}">.*?</article>`, 's').exec(page)?.[0] ?? assert.fail(id);
    assert.ok(article.includes(`${method} /api/v1${path}`), id);
    const example = /<pre tabindex="0"><code>(.*?)<\/code><\/pre>/s.exec(article)?.[1] ?? assert.fail(id);
    assert.match(example, /^curl /);
    if (method !== 'GET') assert.ok(example.includes(method === 'HEAD' ? '--head' : `-X ${method}`), example);
    const url = /'(http:[^']+)'/.exec(example)?.[1] ?? assert.fail(example);
    assert.ok(URL.canParse(url) && !/[{}]/.test(url), url);
  }
});

test('it runs nothing, asks nobody else, and what a description says is text', () => {
  const document = openApiDocument('1.2.3');
  const page = docsPage({ ...document, info: { title: '<script>alert("x")</script>', version: '1' } }, place);
  assert.ok(!/<script|style=|\son\w+=/i.test(page));
  assert.ok(page.includes('&lt;script&gt;'));
  const links = [...page.matchAll(/(?:href|src)="([^"]+)"/g)].map(([, link]) => link ?? '');
  for (const link of links) assert.match(link, /^(?:#|\/)/, link);
});

test('the page and its style are served, under the policy of our pages', async () => {
  const control = {} as ControlService;
  const limits = { bodyBytesMax: 1000, headerBytesMax: 16_384, connectionsMax: 10 };
  const listen = { kind: 'port', host: '127.0.0.1', port: 0 } as const;
  await using api = await startApi({ control, version: '1.2.3', limits, listen });
  const base = `http://127.0.0.1:${api.address.port}`;
  const page = await fetch(`${base}/api/v1/docs`);
  assert.equal(page.status, 200);
  assert.match(page.headers.get('content-security-policy') ?? '', /default-src 'self'.*frame-ancestors 'none'/);
  const text = await page.text();
  assert.ok(text.includes(`${base}/api/v1/status`));
  const style = await fetch(base + (/rel="stylesheet" href="([^"]+)"/.exec(text)?.[1] ?? ''));
  assert.deepEqual([style.status, style.headers.get('content-type')], [200, 'text/css; charset=utf-8']);
});
