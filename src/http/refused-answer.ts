/** The answer to a request that is refused before its body is read. */
import type { IncomingMessage } from 'node:http';
import { answerToRefused as translated } from '../graphql/format-error.js';
import { jsonAnswer, type HttpAnswer } from './answer.js';
import { isOfUnknownSize } from './request-body.js';

/** @throws errors that are not refusals. */
export function answerToRefused(error: unknown, raw: IncomingMessage): HttpAnswer {
  const refused = translated(error);
  if (!refused) throw error;
  const { status, headers, body } = refused;
  const answer = jsonAnswer(status, body);
  const last = isOfUnknownSize(raw.headers) ? [['connection', 'close'] as const] : [];
  return { ...answer, headers: [...answer.headers, ...Object.entries(headers), ...last] };
}
