/** The demonstration's sale says why it does nothing, where its requests are answered with errors. */
import { jest } from '@jest/globals';
import { DemoTraffic } from '../../../src/cli/demo-traffic.js';
import { until } from '../../support/until.js';

afterEach(() => {
  jest.restoreAllMocks();
});

test('a request that is answered with an error pauses the demonstration with a line', async () => {
  const lines: string[] = [];
  jest.spyOn(console, 'error').mockImplementation((line: string) => lines.push(line));
  const answer = { errors: [{ message: 'The operation is not served.' }] };
  const fetching = jest
    .spyOn(globalThis, 'fetch')
    .mockImplementation(() => Promise.resolve(Response.json(answer, { status: 400 })));
  const traffic = new DemoTraffic({ url: 'http://stockade', authorization: null, random: () => 0 });
  traffic.start();
  try {
    await until('a line', () => lines.length > 0);
  } finally {
    await traffic.stop();
  }
  expect(lines).toEqual(['The demo traffic pauses: The operation is not served.']);
  expect(fetching).toHaveBeenCalledTimes(1);
});
