/** The messages about changes between processes, and what becomes of messages that no process of ours has sent. */
import {
  channelOf,
  decode,
  encode,
  type ChangeMessage,
} from '../../../src/changes/change-message.js';

const HEAD = { publisher: 'p', sequence: 7 };
const LEVEL = { productId: 'a', locationId: 'b', onHand: 5, reserved: 2, version: 9 };

test.each<ChangeMessage>([
  { ...HEAD, kind: 'CHANGED', levels: [LEVEL, { ...LEVEL, productId: 'c', version: 0 }] },
  { ...HEAD, kind: 'MISSED', sinceMs: 1_700_000_000_000 },
  { ...HEAD, kind: 'HEARTBEAT' },
  { ...HEAD, kind: 'BYE' },
])('$kind is understood as it was said', (message) => {
  expect(decode(encode(message))).toEqual(message);
});

test.each([
  'no JSON',
  '{}',
  '[]',
  '["CHANGED","p",7]',
  '["CHANGED","p",7,[["a","b",5,2]]]',
  '["CHANGED","p",7,[["a","b",5,2,"9"]]]',
  '["CHANGED","p",7,[["a b","b",5,2,9]]]',
  '["CHANGED","p",7,[["a","b",-5,2,9]]]',
  '["MISSED","p",7,null]',
  '["HEARTBEAT","p",-1]',
  '["HEARTBEAT",1,7]',
  '["ELSE","p",7]',
])('%s is not ours', (text) => {
  expect(decode(text)).toBeNull();
});

test('installations that share a Redis by database number do not hear each other', () => {
  expect(channelOf('redis://host:6379')).toBe(channelOf('redis://other/0'));
  expect(channelOf('redis://host:6379/1')).not.toBe(channelOf('redis://host:6379/2'));
});
