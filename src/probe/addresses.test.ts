import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressesOf, inWords, statusIn } from './addresses.ts';

const path = '/v2/health/ready';

test('what the environment names is asked and nothing else', () => {
  const announced = { listeners: { http: { url: 'http://127.0.0.1:8000' } } };
  assert.deepEqual(addressesOf('http://127.0.0.1:8080/readyz', announced), [
    { kind: 'port', host: '127.0.0.1', port: 8080, path: '/readyz' },
  ]);
  assert.throws(() => addressesOf('https://127.0.0.1:8080/readyz', announced), /expected an http: address/);
  assert.throws(() => addressesOf('nonsense', announced), TypeError);
});

test('a platform is asked where it has said that it listens, on the loopback address if it listens on all', () => {
  const at = (url: string): unknown => addressesOf('', { listeners: { http: { url } } });
  assert.deepEqual(at('http://0.0.0.0:8123'), [{ kind: 'port', host: '127.0.0.1', port: 8123, path }]);
  assert.deepEqual(at('http://[::]:8123'), [{ kind: 'port', host: '::1', port: 8123, path }]);
  assert.deepEqual(at('http://10.0.0.7:80'), [{ kind: 'port', host: '10.0.0.7', port: 80, path }]);
});

test('with TLS a gateway is asked through its door', () => {
  const http = { url: 'https://0.0.0.0:8000', certificate: '/tls/cert.pem' };
  assert.deepEqual(addressesOf(undefined, { listeners: { http } }), [{ kind: 'door', path }]);
});

test('control alone is asked whether its API is ready, with TLS through its socket', () => {
  const control = { url: 'http://0.0.0.0:8080' };
  assert.deepEqual(addressesOf(undefined, { listeners: { control } }), [
    { kind: 'port', host: '127.0.0.1', port: 8080, path: '/readyz' },
  ]);
  const secure = { url: 'https://0.0.0.0:8080', certificate: '/tls/cert.pem' };
  assert.deepEqual(addressesOf(undefined, { listeners: { control: secure } }), [{ kind: 'api', path: '/readyz' }]);
  const http = { url: 'http://127.0.0.1:8000' };
  const [asked] = addressesOf(undefined, { listeners: { http, control } });
  assert.deepEqual(asked, { kind: 'port', host: '127.0.0.1', port: 8000, path }, 'a whole platform is its gateway');
});

test('where nothing is announced, the usual port of each role is asked', () => {
  for (const announced of [undefined, {}]) {
    const addresses = addressesOf(undefined, announced);
    assert.deepEqual(addresses.map(inWords), ['127.0.0.1:8000', '127.0.0.1:9000']);
  }
});

test('the status of an answer is the one of its first line', () => {
  assert.equal(statusIn('HTTP/1.1 200 OK\r\n\r\n{"ready":true}'), 200);
  assert.equal(statusIn('HTTP/1.1 503 Service Unavailable\r\n'), 503);
  assert.equal(statusIn(''), undefined);
  assert.equal(statusIn('HTTP/2'), undefined);
});
