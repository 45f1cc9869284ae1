/** The tests on clusters of servers, which take minutes: `npm run test:clusters`. `npm test` leaves them out. */
import { services } from './jest.config.mjs';

/** @type {import('jest').Config} */
export default {
  maxWorkers: 1,
  // Several servers are started, killed and waited for.
  testTimeout: 300_000,
  projects: [
    {
      ...services,
      displayName: 'clusters',
      testMatch: ['<rootDir>/test/clusters/**/*.test.ts'],
    },
  ],
};
