/** The log of a round for failure reports: a line for each fault and call, in the order of time. */
import type { Answer, HistoryItem, HistoryOperation } from './history.js';

export function storyOf(
  faults: readonly { readonly atMs: number; readonly name: string }[],
  operations: readonly HistoryOperation[],
): readonly string[] {
  const lines = faults.map(({ atMs, name }) => ({ atMs, text: name }));
  for (const { name, items, atomic, keyed, tries } of operations) {
    const what = `${name} ${items.map(brief).join(', ')}`;
    const how = `${atomic ? ' all or nothing' : ''}${keyed ? ' with a key' : ''}`;
    for (const { beginMs, endMs, answer } of tries) {
      const text = `${what}${how} → after ${(endMs - beginMs).toFixed(1)} ms ${told(answer)}`;
      lines.push({ atMs: beginMs, text });
    }
  }
  return lines
    .sort((a, b) => a.atMs - b.atMs)
    .map(({ atMs, text }) => `${atMs.toFixed(1)} ms: ${text}`);
}

function brief({ effect, quantity, productId, locationId }: HistoryItem): string {
  return `${effect} ${quantity} of ${productId}/${locationId}`;
}

function told(answer: Answer): string {
  if (answer.kind === 'UNKNOWN') return `no answer: ${answer.reason}`;
  if (answer.kind === 'FAULT') return answer.code;
  const lines = answer.lines.map((line) => {
    if (line.outcome === 'APPLIED') return line.movementId ?? 'applied';
    return line.available === undefined ? line.code : `${line.code} (${line.available} available)`;
  });
  return `${lines.join(', ')}${answer.replayed ? ' (replayed)' : ''}`;
}
