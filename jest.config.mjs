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
};

/** @type {import('jest').Config} */
export default {
  // One file at a time: the concurrency tests need all cores of the machine.
  maxWorkers: 1,
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
      testMatch: ['<rootDir>/test/{integration,concurrency,faults,hostile}/**/*.test.ts'],
    },
  ],
};
