/** Work while a stranger holds a product's rows: they are free again when the work says so, or when it fails. */
import { holdRow } from './innodb.js';

export async function whileRowsAreHeld(
  databaseUrl: string,
  productId: string,
  work: (release: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const stranger = await holdRow(databaseUrl, productId);
  let left: Promise<void> | undefined;
  const release = () => (left ??= stranger.release());
  try {
    await work(release);
  } finally {
    await release();
  }
}
