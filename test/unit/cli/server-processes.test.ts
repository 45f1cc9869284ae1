/** A server that is waited for is asked at the address on which it listens. */
import { jest } from '@jest/globals';
import { untilReady } from '../../../src/cli/server-processes.js';

afterEach(() => {
  jest.restoreAllMocks();
});

test.each([
  ['127.0.0.1', 'http://127.0.0.1:4000/ready'],
  ['::1', 'http://[::1]:4000/ready'],
])('a server on %s is asked at %s', async (host, url) => {
  const fetching = jest.spyOn(globalThis, 'fetch').mockResolvedValue(new Response());
  const server = { port: 4_000, process: { alive: true } };
  await untilReady(server, host, new AbortController().signal);
  expect(fetching.mock.calls.map(([asked]) => asked)).toEqual([url]);
});
