/** What had failed before an abort is told; what fails after it is told as the abort. */
import { interruptible } from '../../../services/interruptible.js';

test('a failure before the abort stays what it is, whatever comes while the rest is stopped', async () => {
  const interruption = new AbortController();
  const defect = new Error('a defect');
  const stopped = (async () => {
    try {
      await interruptible(interruption.signal, () => Promise.reject(defect));
    } finally {
      interruption.abort();
    }
  })();
  await expect(stopped).rejects.toBe(defect);
});

test('a failure after the abort has its reason', async () => {
  const interruption = new AbortController();
  const reason = new Error('interrupted');
  const work = interruptible(interruption.signal, () => {
    interruption.abort(reason);
    return Promise.reject(new Error('a connection that was closed'));
  });
  await expect(work).rejects.toBe(reason);
});

test('work that succeeds is not asked about an abort', async () => {
  expect(await interruptible(AbortSignal.abort(), () => Promise.resolve(1))).toBe(1);
});
