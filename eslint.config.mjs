import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      'dist/',
      'node_modules/',
      'test/generated/',
      'client/generated/',
      'console/src/generated/',
      '.cache/',
      'coverage/',
    ],
  },
  js.configs.recommended,
  {
    files: ['**/*.ts', '**/*.tsx'],
    extends: [...tseslint.configs.strictTypeChecked, ...tseslint.configs.stylisticTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      // Numbers are allowed in messages and keys; objects stay forbidden.
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // type-graphql's classes and the composition root's seams are classes by design.
      '@typescript-eslint/no-extraneous-class': 'off',
      // Its fix turns value imports into type imports, which destroys the decorators' metadata.
      '@typescript-eslint/consistent-type-imports': 'off',
    },
  },
  {
    // The schema's types are classes for their decorators; any object with their shape may be assigned.
    files: ['src/graphql/**/*.ts'],
    rules: { '@typescript-eslint/no-unsafe-class-instance-assignment': 'off' },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'AbortController',
          'clearTimeout',
          'console',
          'fetch',
          'performance',
          'process',
          'setTimeout',
          'URL',
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  {
    files: ['console/public/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        ['HTMLScriptElement', 'addEventListener', 'location', 'setTimeout', 'window'].map(
          (name) => [name, 'readonly'],
        ),
      ),
    },
  },
  prettier,
);
