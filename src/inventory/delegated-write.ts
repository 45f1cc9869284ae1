/**
 * A write that its process has handed to another one may be decided by both, or late: its message or the answer was
 * lost, or the other process was stopped. So a process numbers its attempts at a write: each time that it hands the
 * write to another process anew, or decides it itself after that, the number grows.
 *
 * | attempt | may have been applied before    | the transaction that decides it                                     |
 * | ------- | ------------------------------- | ------------------------------------------------------------------- |
 * | none    | no: it never left its process   | as ever                                                             |
 * | 1       | no                              | changes levels only where no later attempt has withdrawn it         |
 * | from 2  | yes, or may be from now on      | as for 1; looks for the traces of earlier attempts, and withdraws   |
 * |         |                                 | those that have left none                                           |
 *
 * A withdrawal is a row that names the call and the attempt that was decided, written with that decision. It raises
 * the versions of the levels, so that a transaction of an earlier attempt that has read them already is repeated, and
 * finds it.
 */
import type { StockWrite } from './stock.js';
import type { WriteResult } from './stock-store.js';

/** Whether earlier attempts at the write may have been applied, or may be from now on. */
export function isDoubtful({ delegated }: StockWrite): boolean {
  return delegated !== undefined && delegated.attempt > 1;
}

/** This process does not decide the attempt, and does not know what has become of others. */
export const WITHDRAWN: WriteResult = {
  outcome: 'REFUSED',
  failure: { code: 'UNAVAILABLE', mayHaveApplied: true, retryable: false },
  replayed: false,
};
