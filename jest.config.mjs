import { existsSync } from 'node:fs';

/** Shared by all projects: ES modules, compiled by swc with decorator metadata for type-graphql. */
const shared = {
  testEnvironment: 'node',
  // Packages that the benchmark has installed are no modules of this project.
  modulePathIgnorePatterns: ['<rootDir>/.cache/'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
            useDefineForClassFields: true,
          },
          keepClassNames: true,
        },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
};

/** A project whose tests find MySQL and Redis in the environment, and the server built. */
export const services = {
  ...shared,
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
  setupFiles: ['<rootDir>/test/support/own-redis-database.mjs'],
};

/** The tests of the console need a browser, and are left out where there is none. */
const chromium = process.env.CHROMIUM ?? '/usr/bin/chromium';
const browser = existsSync(chromium) ? ['browser'] : [];
if (browser.length === 0) {
  process.stderr.write(
    `There is no ${chromium}: test/browser is left out. Debian: apt-get install chromium\n`,
  );
}

/** @type {import('jest').Config} */
export default {
  // One file at a time: the concurrency tests need all cores of the machine.
  maxWorkers: 1,
  // For a test that hangs. How long the others take is the machine's affair: no test is timed.
  testTimeout: 180_000,
  // In a process that is replaced when it has grown: what each file has loaded is never given back.
  workerIdleMemoryLimit: '1GB',
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/{unit,simulation}/**/*.test.ts'],
    },
    {
      ...services,
      displayName: 'services',
      testMatch: ['integration', 'concurrency', 'faults', 'hostile', ...browser].map(
        (folder) => `<rootDir>/test/${folder}/**/*.test.ts`,
      ),
    },
  ],
};
