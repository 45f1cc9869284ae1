/** Which of a contender's forms counts: the best median among the forms that rarely fail. */
import type { Row } from './report/row.js';
import type { Merit } from './scenarios/scenario.js';
import { median } from './statistics.js';

/** A form with a larger share of failures counts only if there is no other. */
const FAILED_SHARE_MAX = 0.01;

/** Null without rows. All rows must be of one scenario and contender. */
export function bestForm(rows: readonly Row[], merit: Merit): string | null {
  const byForm = new Map<string, Row[]>();
  for (const row of rows) byForm.set(row.form, [...(byForm.get(row.form) ?? []), row]);
  const ranked = [...byForm].map(([form, ofForm]) => ({
    form,
    sound: failedShare(ofForm) < FAILED_SHARE_MAX,
    // Several loads of one form count by their median.
    score: median(ofForm.map((row) => row[merit] ?? NaN)) * (merit === 'opsPerSecond' ? 1 : -1),
  }));
  ranked.sort((a, b) => Number(b.sound) - Number(a.sound) || b.score - a.score);
  return ranked[0]?.form ?? null;
}

export function failedShare(rows: readonly Row[]): number {
  const failed = rows.reduce((sum, row) => sum + row.failed, 0);
  const all = rows.reduce((sum, row) => sum + row.taken + row.refused + row.failed, 0);
  return all === 0 ? 0 : failed / all;
}
