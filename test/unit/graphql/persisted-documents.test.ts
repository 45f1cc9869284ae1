/** The manifest that is emitted, and what counts as one of its documents. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import * as clientOperations from '../../../client/generated/operations.js';
import {
  AutomaticDocuments,
  readManifest,
  TrustedDocuments,
} from '../../../src/graphql/persisted-documents.js';

const OPERATIONS = readManifest(readFileSync('schema/trusted-documents.json', 'utf8'));

test('the manifest has every text of the client, and its ids are the hashes of its texts', () => {
  const trusted = new TrustedDocuments(OPERATIONS);
  const documents = Object.entries(clientOperations).filter(([key]) => key.endsWith('Document'));
  const refused = documents.filter(
    ([, text]) => !(text instanceof String && trusted.allows(text.toString())),
  );
  expect(refused).toEqual([]);
  expect(documents).toHaveLength(OPERATIONS.length);
  for (const { id, body } of OPERATIONS) {
    expect(id).toBe(createHash('sha256').update(body).digest('hex'));
    expect(trusted.textOf(id)).toBe(body);
  }
});

test('blanks, commas and comments make no difference, and anything else does', () => {
  const trusted = new TrustedDocuments([{ id: 'one', body: '{ a(x: "1  2") b }' }]);
  expect(trusted.allows('# why\n{a(x:"1  2"),b}')).toBe(true);
  for (const other of [
    '{ a(x: "1 2") b }',
    '{ a(x: "1  2") }',
    '{ b a(x: "1  2") }',
    '"',
    '',
    'one',
  ]) {
    expect(trusted.allows(other)).toBe(false);
  }
});

test('automatic documents are bounded', () => {
  const automatic = new AutomaticDocuments();
  const text = 'x'.repeat(10_000);
  for (let i = 0; i < 1_000; i += 1) automatic.remember(String(i), text);
  const kept = Array.from({ length: 1_000 }, (_, i) => automatic.textOf(String(i))).filter(Boolean);
  expect(kept.length).toBeGreaterThan(100);
  expect(kept.length).toBeLessThan(500);
  automatic.remember('long', `${text}x`);
  expect(automatic.textOf('long')).toBeUndefined();
});
